package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever speaks to the plugin socket, the next honest caller is served. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PluginSocketIT {
  private static final String VERSION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"calico\",\"type\":\"calico\"}";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("socket", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private Path socket() {
    // relative, because the path of a socket has 107 bytes at most
    return Path.of("").toAbsolutePath().relativize(host.state().resolve("run/plugin.sock"));
  }

  private SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(socket()));
  }

  /** Sends bytes, ends the stream, and returns the standard output in the answer; empty if none. */
  private String exchange(byte[] request) throws IOException {
    try (SocketChannel channel = connect()) {
      ByteBuffer out = ByteBuffer.wrap(request);
      try {
        while (out.hasRemaining()) {
          channel.write(out);
        }
        channel.shutdownOutput();
      } catch (IOException e) {
        return "";
      }
      ByteBuffer in = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
      try {
        while (channel.read(in) >= 0 && in.hasRemaining()) {
          Thread.onSpinWait();
        }
      } catch (IOException e) {
        return "";
      }
      in.flip();
      if (in.remaining() < 8) {
        return "";
      }
      int status = in.getInt();
      byte[] text = new byte[in.getInt()];
      in.get(text);
      assertThat(status).isEqualTo(1);
      return new String(text, StandardCharsets.UTF_8);
    }
  }

  private static byte[] framed(byte[] body) {
    return ByteBuffer.allocate(8 + body.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put("C4J1".getBytes(StandardCharsets.US_ASCII))
        .putInt(body.length)
        .put(body)
        .array();
  }

  private static byte[] body(int... numbers) {
    ByteBuffer body = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : numbers) {
      body.putInt(number);
    }
    return body.array();
  }

  private static byte[] header(String magic, int length) {
    return ByteBuffer.allocate(8)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(magic.getBytes(StandardCharsets.US_ASCII))
        .putInt(length)
        .array();
  }

  private void assertServing() throws IOException {
    Command.Outcome version =
        host.plugin("calico", Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin"), VERSION);
    assertThat(version.exitCode()).as(version.output()).isZero();
  }

  static Stream<Arguments> hostile() {
    return Stream.of(
        Arguments.of("nothing", new byte[0], "nothing came"),
        Arguments.of("half a header", "C4J".getBytes(StandardCharsets.US_ASCII), "it ends after"),
        Arguments.of("another protocol", header("HTTP", 0), "does not begin with C4J1"),
        Arguments.of("too long", header("C4J1", (1 << 20) + 1), "longer than 1048576"),
        Arguments.of("a negative length", header("C4J1", -1), "longer than 1048576"),
        Arguments.of("a body that ends early", header("C4J1", 100), "it ends after"),
        Arguments.of("an empty body", framed(new byte[0]), "truncated"),
        Arguments.of("no program", framed(body(0, 0, 0)), "names no program"),
        Arguments.of("a million items", framed(body(1_000_000)), "more than 4096 items"),
        Arguments.of("a text that is not there", framed(body(1, 5)), "points outside"),
        Arguments.of("a negative count", framed(body(1, -5)), "negative"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostile")
  void aBrokenRequestIsNamed(String name, byte[] request, String text) throws Exception {
    assertThat(exchange(request)).as(name).contains(text).contains("\"code\":5");
    assertServing();
  }

  @Test
  void anUnknownProgramIsToldItsNames() throws Exception {
    Path copy = state.resolve("calico-unknown");
    Files.copy(Installed.distribution().resolve("bin/calico"), copy);
    Command.Outcome outcome =
        new Command(
                host.enter(List.of(copy.toString())),
                Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin"),
                VERSION)
            .run();
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.standardOutput()).contains("calico-unknown").contains("calico-ipam");
  }

  @Test
  void slowClientsDoNotKeepOthersWaiting() throws Exception {
    List<SocketChannel> slow = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      SocketChannel channel = connect();
      channel.write(ByteBuffer.wrap("C4".getBytes(StandardCharsets.US_ASCII)));
      slow.add(channel);
    }
    assertServing();
    for (SocketChannel channel : slow) {
      channel.close();
    }
    assertServing();
  }

  @Test
  void randomBytesFromASeedHurtNobody() throws Exception {
    Random random = new Random(4);
    for (int i = 0; i < 2000; i++) {
      byte[] noise = new byte[random.nextInt(200)];
      random.nextBytes(noise);
      if (random.nextBoolean()) {
        noise = framed(noise);
      }
      String unused = exchange(noise);
    }
    assertServing();
    host.mustBeClean();
  }

  @Test
  void theSocketIsItsOwnersOnly() throws Exception {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
        .isEqualTo("rw-------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(socket().toAbsolutePath().getParent())))
        .isEqualTo("rwx------");
  }

  @Test
  void aBigRequestIsRefusedByTheLauncherAndALongOneServed() throws Exception {
    Namespace sandbox = Namespace.create("big");
    String padding = "\"pad\":\"" + "x".repeat(700_000) + "\"";
    String big = VERSION.replace("}", "," + padding + "}");
    Command.Outcome added = host.cni("ADD", sandbox, Map.of(), big);
    assertThat(added.exitCode()).as(added.output()).isZero();
    assertThat(host.cni("DEL", sandbox, Map.of(), big).exitCode()).isZero();
    Command.Outcome refused =
        host.cni("ADD", sandbox, Map.of(), big.replace("\"pad\"", padding + ",\"pad\""));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.standardOutput()).contains("\"code\":").contains("1048576");
    sandbox.delete();
    host.mustBeClean();
  }
}
