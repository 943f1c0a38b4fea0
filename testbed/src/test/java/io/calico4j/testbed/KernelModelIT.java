package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random packets through the rules of random clusters in the kernel, against what {@code policy
 * explain} says of them. The variables {@code MODEL_CLUSTERS}, {@code MODEL_PROBES} (of each
 * cluster) and {@code MODEL_SEED} make a longer or another run. A difference names the seed, the
 * packet, and what is stored without what does not matter to it.
 */
class KernelModelIT {
  private static final int CLUSTERS = number("MODEL_CLUSTERS", 200);

  /** Clusters of one process. */
  private static final int TOGETHER = 20;

  private static final int PROBES = number("MODEL_PROBES", 5000);

  private static int number(String variable, int otherwise) {
    return Optional.ofNullable(System.getenv(variable)).map(Integer::valueOf).orElse(otherwise);
  }

  private Namespace router;
  private Namespace peers;

  @BeforeEach
  void makeAHost() throws IOException {
    router = Namespace.create("model-router");
    peers = Namespace.create("model-peers");
    sysctl(peers, "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
    sysctl(router, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    sysctl(router, "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
    for (int i = 0; i < KernelModel.ENDPOINTS; i++) {
      connect("cali" + i, "w" + i, i);
      router.ip("route", "add", KernelModel.address(i) + "/32", "dev", "cali" + i);
      router.ip("-6", "route", "add", KernelModel.address6(i) + "/128", "dev", "cali" + i);
      neighbour(KernelModel.address(i), "cali" + i, i);
      neighbour(KernelModel.address6(i), "cali" + i, i);
    }
    connect(KernelModel.OUTSIDE, "w" + KernelModel.OUTSIDE, -1);
    neighbour("198.51.100.1", KernelModel.OUTSIDE, -1);
    neighbour("fe80::1", KernelModel.OUTSIDE, -1);
    router.ip(
        "route", "add", "default", "via", "198.51.100.1", "dev", KernelModel.OUTSIDE, "onlink");
    router.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", KernelModel.OUTSIDE);
    // Each packet is a connection of its own, whatever went before.
    router
        .command(
            "nft",
            "add table inet untracked; add chain inet untracked probes"
                + " { type filter hook prerouting priority -400; };"
                + " add rule inet untracked probes notrack")
        .mustRun();
  }

  private void connect(String link, String peer, int number) throws IOException {
    router.connect(link, peers, peer);
    router.ip("link", "set", link, "address", KernelModel.routerMac(number));
    peers.ip("link", "set", peer, "address", peerMac(number));
    peers.ip("link", "set", peer, "promisc", "on");
  }

  private static String peerMac(int number) {
    return KernelModel.routerMac(number).replace("00:01:0", "00:02:0");
  }

  private void neighbour(String address, String link, int number) throws IOException {
    router.ip(
        "neigh", "replace", address, "lladdr", peerMac(number), "dev", link, "nud", "permanent");
  }

  private static void sysctl(Namespace namespace, String... settings) throws IOException {
    for (String setting : settings) {
      namespace.command("sysctl", "-qw", setting).mustRun();
    }
  }

  @AfterEach
  void takeItAway() throws IOException {
    router.delete();
    peers.delete();
  }

  @Test
  void theKernelDoesWhatPolicySays(@TempDir Path directory) throws Exception {
    Path prober = directory.resolve("probes.py");
    try (InputStream script = KernelModelIT.class.getResourceAsStream("probes.py")) {
      Files.copy(script, prober);
    }
    StringBuilder command =
        new StringBuilder(String.join(" ", peers.enter(List.of("python3", prober.toString()))));
    for (int i = 0; i < KernelModel.ENDPOINTS; i++) {
      command.append(" w").append(i);
    }
    command.append(" w" + KernelModel.OUTSIDE);
    for (int first = 0; first < CLUSTERS; first += TOGETHER) {
      Command.Outcome outcome =
          router
              .command(
                  "java",
                  "-cp",
                  System.getProperty("java.class.path"),
                  KernelModel.class.getName(),
                  command.toString(),
                  "" + (number("MODEL_SEED", 0) + first),
                  "" + TOGETHER,
                  "" + PROBES)
              .run();
      List<String> lines = outcome.standardOutput().lines().toList();
      assertThat(outcome.exitCode()).as(outcome.output()).isZero();
      assertThat(lines.subList(0, lines.size() - 1)).as("differences").isEmpty();
      assertThat(lines.get(lines.size() - 1)).startsWith(TOGETHER + " clusters, ");
    }
  }
}
