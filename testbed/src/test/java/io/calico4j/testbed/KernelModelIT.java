package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
  private static final int TOGETHER = 40;

  private static final Pattern SUMMARY =
      Pattern.compile(TOGETHER + " clusters, ([0-9]+) probes, ([0-9]+) passed");

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
    sysctl(router, "net.ipv4.icmp_echo_ignore_all=1", "net.ipv6.icmp.echo_ignore_all=1");
    for (ModelEnd end : ModelEnd.linked()) {
      connect(end);
      for (boolean v6 : new boolean[] {false, true}) {
        for (String address : end == ModelEnd.OUTSIDE ? List.<String>of() : end.addresses(v6)) {
          route(v6, address + (v6 ? "/128" : "/32"), "dev", end.interfaceName());
          neighbour(address, end);
        }
      }
    }
    own("eth0", KernelModel.ADDRESS_OF_ETH0, "fd00::e1");
    own("eth1", KernelModel.ADDRESS_OF_ETH1, "fd00::e2");
    String outside = ModelEnd.OUTSIDE.interfaceName();
    neighbour("198.51.100.1", ModelEnd.OUTSIDE);
    neighbour("fe80::1", ModelEnd.OUTSIDE);
    route(false, "default", "via", "198.51.100.1", "dev", outside, "onlink");
    route(true, "default", "via", "fe80::1", "dev", outside);
    // The host itself does not answer.
    nft(
        """
        table inet silent {
          chain own {
            type filter hook output priority -400;
            icmp type destination-unreachable drop;
            icmpv6 type destination-unreachable drop;
            tcp flags & rst == rst drop;
          }
        }
        """);
  }

  private void nft(String commands) throws IOException {
    router.command("nft", commands).mustRun();
  }

  private void connect(ModelEnd end) throws IOException {
    router.connect(end.interfaceName(), peers, end.link());
    router.ip("link", "set", end.interfaceName(), "address", end.routerMac());
    peers.ip("link", "set", end.link(), "address", end.peerMac());
    peers.ip("link", "set", end.link(), "promisc", "on");
  }

  private void route(boolean v6, String... route) throws IOException {
    List<String> command = new ArrayList<>(List.of(v6 ? "-6" : "-4", "route", "add"));
    command.addAll(List.of(route));
    router.ip(command.toArray(String[]::new));
  }

  private void own(String link, String address, String address6) throws IOException {
    router.ip("address", "add", address + "/32", "dev", link);
    router.ip("-6", "address", "add", address6 + "/128", "dev", link, "nodad");
  }

  private void neighbour(String address, ModelEnd end) throws IOException {
    String link = end.interfaceName();
    router.ip(
        "neigh", "replace", address, "lladdr", end.peerMac(), "dev", link, "nud", "permanent");
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

  /** Each packet is a connection of its own, whatever went before. */
  @Test
  void theKernelDoesWhatPolicySays(@TempDir Path directory) throws Exception {
    nft(
        """
        table inet untracked {
          chain received {
            type filter hook prerouting priority -400;
            notrack;
          }
          chain sent {
            type filter hook output priority -400;
            notrack;
          }
        }
        """);
    for (int first = 0; first < CLUSTERS; first += TOGETHER) {
      compare(directory, first, PROBES, false);
    }
  }

  @Test
  void answersComeBackAsPolicySays(@TempDir Path directory) throws Exception {
    compare(directory, 0, PROBES / 10, true);
  }

  private void compare(Path directory, int first, int probes, boolean tracked) throws Exception {
    Path prober = directory.resolve("probes.py");
    try (InputStream script = KernelModelIT.class.getResourceAsStream("probes.py")) {
      Files.copy(script, prober, StandardCopyOption.REPLACE_EXISTING);
    }
    StringBuilder command =
        new StringBuilder(String.join(" ", peers.enter(List.of("python3", prober.toString()))));
    command.append(' ').append(router.path());
    ModelEnd.linked().forEach(end -> command.append(' ').append(end.link()));
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
                "" + probes,
                "" + tracked)
            .run();
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    Matcher all = SUMMARY.matcher(outcome.standardOutput().strip());
    assertThat(all.matches()).as(outcome.output()).isTrue();
    int sent = Integer.parseInt(all.group(1));
    // A comparison in which nothing passes would say little.
    assertThat(Integer.parseInt(all.group(2))).isBetween(sent / 10, sent - sent / 10);
  }
}
