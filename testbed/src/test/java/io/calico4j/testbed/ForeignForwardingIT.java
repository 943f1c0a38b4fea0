package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

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
}
