package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Chains of other programs that drop what is forwarded, as Docker's and an operator's do. */
class ForeignForwardingIT extends OneHost {
  @Test
  void whatPolicyAllowsPassesWhenDockerClosesForward() throws Exception {
    Workload a = host.start("a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("b", Orchestrator.RKT, "calico", Map.of());
    Workload other = host.start("other", Orchestrator.RKT, "elsewhere", Map.of());
    host.command("iptables", "-P", "FORWARD", "DROP").mustRun();
    host.command("iptables", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT").mustRun();
    Await.until("policy decides again", 30, () -> pings(a, b));
    assertThat(pings(a, other)).isFalse();
    assertThat(host.command("iptables", "-S", "FORWARD").mustRun())
        .as("iptables itself can read the rules, and they are there once")
        .containsOnlyOnce("-A FORWARD -i cali+")
        .containsOnlyOnce("-A FORWARD -o cali+")
        .contains("-A FORWARD -i docker0 -j ACCEPT");

    host.command("iptables", "-F", "FORWARD").mustRun();
    Await.until("what another program flushes is there again", 30, () -> pings(a, b));
    host.command("iptables", "-P", "FORWARD", "ACCEPT").mustRun();
    host.command("iptables", "-F", "FORWARD").mustRun();
    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertNothingLeft();
  }

  @Test
  void whatPolicyAllowsPassesBesideARealDockerd(@TempDir Path directory) throws Exception {
    Workload a = host.start("beside-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("beside-b", Orchestrator.RKT, "calico", Map.of());
    Workload other = host.start("beside-other", Orchestrator.RKT, "elsewhere", Map.of());
    Process dockerd =
        new ProcessBuilder(
                host.namespace()
                    .enter(
                        List.of(
                            "dockerd",
                            "--data-root=" + directory.resolve("data"),
                            "--exec-root=" + directory.resolve("exec"),
                            "--pidfile=" + directory.resolve("pid"),
                            "--host=unix://" + directory.resolve("docker.sock"),
                            "--storage-driver=vfs",
                            "--exec-opt=native.cgroupdriver=cgroupfs")))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    try {
      Await.until(
          "dockerd has made its chains",
          30,
          () ->
              Files.exists(directory.resolve("docker.sock"))
                  && host.command("iptables", "-S", "FORWARD").mustRun().contains("DOCKER-USER"));
      // dockerd does so itself where it is the first to enable forwarding.
      host.command("iptables", "-P", "FORWARD", "DROP").mustRun();
      Await.until("policy decides again", 30, () -> pings(a, b));
      assertThat(pings(a, other)).isFalse();
      assertThat(host.command("iptables", "-S", "FORWARD").mustRun())
          .as("dockerd's rules are there still")
          .contains("-P FORWARD DROP", "-A FORWARD -j DOCKER-ISOLATION-STAGE-1");
    } finally {
      dockerd.destroy();
      Await.until("dockerd has ended", 30, () -> !dockerd.isAlive());
    }
    host.command("iptables", "-P", "FORWARD", "ACCEPT").mustRun();
    host.command("iptables", "-F", "FORWARD").mustRun();
    host.namespace().ip("link", "delete", "docker0");
    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertNothingLeft();
  }
}
