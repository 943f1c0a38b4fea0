package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.net.IpAddress;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Entries of the real connection tracking, made by real packets in this network namespace. */
class ConntrackIT {
  private static final Namespace OWN = Namespace.own();

  /** A translated address: entries then have it in one direction only. */
  private static final String TRANSLATED = "127.0.0.99";

  private Conntrack conntrack;

  @BeforeEach
  void track() throws Exception {
    OWN.command("nft", "add table inet tracked").mustRun();
    OWN.command(
            "nft",
            "add chain inet tracked out { type nat hook output priority -100; ip daddr "
                + TRANSLATED
                + " dnat ip to 127.0.0.3; }")
        .mustRun();
    OWN.command(
            "nft", "add chain inet tracked in { type filter hook input priority 0; ct state new; }")
        .mustRun();
    conntrack = new LinuxKernel().conntrack();
  }

  @AfterEach
  void stop() throws Exception {
    conntrack.close();
    OWN.command("nft", "delete table inet tracked").mustRun();
  }

  private static void send(String from, String to) throws Exception {
    try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(from, 0))) {
      socket.send(new DatagramPacket(new byte[] {1}, 1, InetAddress.getByName(to), 4000));
    }
  }

  private int delete(String address) throws Exception {
    return conntrack.delete(IpAddress.parse(address)::equals);
  }

  @Test
  void entriesOfAnAddressGoWhicheverSideItIsOn() throws Exception {
    assertThat(conntrack.isSupported()).isTrue();
    send("127.0.0.2", "127.0.0.3");
    send("127.0.0.3", "127.0.0.4");
    send("127.0.0.5", "127.0.0.6");
    assertThat(delete("127.0.0.3")).isEqualTo(2);
    assertThat(delete("127.0.0.3")).isZero();
    assertThat(delete("127.0.0.6")).isEqualTo(1);
  }

  @Test
  void translatedConnectionsAreFoundByEitherAddress() throws Exception {
    send("127.0.0.2", TRANSLATED);
    assertThat(delete("127.0.0.3")).isEqualTo(1);
    send("127.0.0.2", TRANSLATED);
    assertThat(delete(TRANSLATED)).isEqualTo(1);
  }

  @Test
  void connectionsOfTcpToo() throws Exception {
    try (ServerSocket server = new ServerSocket(4001, 1, InetAddress.getByName("127.0.0.7"));
        Socket client = new Socket("127.0.0.7", 4001);
        Socket accepted = server.accept()) {
      client.getOutputStream().write(1);
      assertThat(accepted.getInputStream().read()).isEqualTo(1);
      assertThat(delete("127.0.0.7")).isEqualTo(1);
      assertThat(delete("127.0.0.7")).isZero();
    }
  }

  @Test
  void bothFamiliesAreRead() throws Exception {
    send("::1", "::1");
    assertThat(delete("::1")).isEqualTo(1);
  }

  /** Callers that come at once share readings, and each finds its own addresses gone. */
  @Test
  void manyCallersAtOnce() throws Exception {
    ExecutorService callers = Executors.newFixedThreadPool(8);
    try {
      List<Future<Integer>> calls = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        String address = "127.0.1." + (i + 1);
        calls.add(
            callers.submit(
                (Callable<Integer>)
                    () -> {
                      send("127.0.0.2", address);
                      return delete(address);
                    }));
      }
      for (Future<Integer> call : calls) {
        assertThat(call.get()).isPositive();
      }
      assertThat(delete("127.0.0.2")).isZero();
    } finally {
      callers.shutdownNow();
    }
  }
}
