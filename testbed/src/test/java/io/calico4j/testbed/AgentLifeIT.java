package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The agent says that it lives, keeps bird alive, and leaves packets flowing when it ends. */
class AgentLifeIT extends OneHost {
  @Test
  void theAgentSaysThatItLives() throws Exception {
    String table =
        host.command("busybox", "wget", "-q", "-O-", "http://localhost:9099/liveness").mustRun();
    assertThat(table).isEqualTo("Felix: live\n");
  }

  @Test
  void felixReportsThatItIsAliveAndWhichEndpointsAreUp() throws Exception {
    String felix = "/calico/felix/v2/no-region/host/" + host.name();
    Workload web = host.start("reported", Orchestrator.RKT, "calico", Map.of());
    assertThat(etcdctl("get", "--prefix", "--keys-only", felix).strip()).isEmpty();
    configureFelix("{reportingInterval: 1s, reportingTTL: 5s, endpointReportingEnabled: true}");
    Await.until("it is alive", 15, () -> etcdctl("get", felix + "/status").contains("uptime"));
    assertThat(etcdctl("get", felix + "/last_reported_status")).contains("first_update");
    String endpoint =
        felix
            + "/workload/cni/default%2f"
            + Orchestrator.RKT.containerId("reported")
            + "/endpoint/eth0";
    Await.until("web is up", 15, () -> etcdctl("get", endpoint).contains("{\"status\":\"up\"}"));
    host.delete(web);
    Await.until("its status is gone", 15, () -> etcdctl("get", endpoint).isBlank());
    configureFelix("{reportingInterval: 0s}");
    Await.until(
        "the lease of its life ends", 20, () -> etcdctl("get", felix + "/status").isBlank());
    assertThat(etcdctl("get", felix + "/last_reported_status")).contains("uptime");
    assertNothingLeft();
  }

  @Test
  void aKilledBirdIsStartedAgain() throws Exception {
    Path pidFile = host.state().resolve("run/bird.pid");
    Await.until("bird has written its pid", 15, () -> Files.exists(pidFile));
    String pid = Files.readString(pidFile).strip();
    Command.of("kill", "-9", pid).mustRun();
    Await.until(
        "another bird runs",
        15,
        () -> Files.exists(pidFile) && !Files.readString(pidFile).strip().equals(pid));
    Await.until(
        "it answers",
        15,
        () ->
            host.command("birdc", "-s", "/run/calico/bird.ctl", "show", "status").run().exitCode()
                == 0);
  }

  @Test
  void sigtermLeavesTheDataplaneInPlace() throws Exception {
    Workload a = host.start("stay-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("stay-b", Orchestrator.RKT, "calico", Map.of());
    Workload other = host.start("stay-c", Orchestrator.RKT, "other", Map.of());
    assertThat(host.stopAgent()).isEqualTo(143);
    assertThat(pings(a, b)).isTrue();
    assertThat(pings(other, b)).isFalse();
    host.startAgent();
    assertThat(pings(a, b)).isTrue();
    assertThat(pings(other, b)).isFalse();
    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertNothingLeft();
  }
}
