package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Networks are apart until a policy says otherwise, in both address families; what cannot be read
 * or is forged is dropped.
 */
class NetworkIsolationIT extends OneHost {
  @Test
  void podsAndTasksReachTheirNetworkOnlyUntilAPolicySaysOtherwise() throws Exception {
    Workload rkt1 = host.start("rkt-1", Orchestrator.RKT, "calico", Map.of());
    Workload rkt2 = host.start("rkt-2", Orchestrator.RKT, "calico", Map.of());
    Workload task1 = host.start("task-1", Orchestrator.MESOS, "net", Map.of("app", "ledger"));
    Workload task2 = host.start("task-2", Orchestrator.MESOS, "net", Map.of("app", "web"));

    assertThat(pings(rkt1, rkt2)).isTrue();
    assertThat(pings(task1, task2)).isTrue();
    assertThat(pings(rkt1, task1)).isFalse();
    assertThat(pings(task1, rkt1)).isFalse();

    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: ledger}
        spec:
          selector: app == 'ledger'
          types: [Ingress]
          ingress:
          - {action: Allow, source: {selector: has(calico)}}
        """);
    Await.until("the policy lets rkt pods reach the ledger", 15, () -> pings(rkt1, task1));
    assertThat(pings(task2, task1)).isFalse();
    assertThat(pings(rkt1, task2)).isFalse();

    host.killAgent();
    assertThat(pings(rkt1, task1)).isTrue();
    assertThat(pings(task2, task1)).isFalse();
    host.startAgent();
    assertThat(pings(rkt1, task1)).isTrue();
    assertThat(pings(task2, task1)).isFalse();
    Command.Outcome again = host.call("ADD", rkt1);
    assertThat(TestHost.address(again.standardOutput())).isEqualTo(rkt1.address());

    host.delete(rkt1);
    assertThat(host.call("DEL", rkt1).exitCode()).isZero();
    host.delete(rkt2);
    host.delete(task1);
    host.delete(task2);
    assertThat(host.calicoctl("", "delete", "gnp", "ledger").exitCode()).isZero();
    assertNothingLeft();
  }

  @Test
  void bothAddressFamiliesReachTheirNetworkOnly() throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64"}
        """);
    Workload a = host.start("dual-a", Orchestrator.DUAL_STACK, "six", Map.of());
    Workload b = host.start("dual-b", Orchestrator.DUAL_STACK, "six", Map.of());
    Workload other = host.start("dual-c", Orchestrator.DUAL_STACK, "other6", Map.of());
    String toB = ipv6(b);

    assertThat(pings(a, b)).isTrue();
    assertThat(PacketProbe.ping(a.sandbox(), toB))
        .as("%s: %s %s", toB, a.sandbox().ip("-6", "route"), host.namespace().ip("-6", "route"))
        .isTrue();
    assertThat(PacketProbe.ping(b.sandbox(), ipv6(a))).isTrue();
    assertThat(pings(other, b)).isFalse();
    assertThat(PacketProbe.ping(other.sandbox(), toB)).isFalse();
    a.sandbox().ip("-6", "address", "add", "fd00:65:ffff::9/128", "dev", "eth0", "nodad");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "fd00:65:ffff::9", toB)).isFalse();

    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertThat(host.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/assignment/ipv6").strip())
        .isEmpty();
    assertNothingLeft();
  }

  private String ipv6(Workload workload) throws IOException {
    JsonArray ips =
        JsonParser.parseString(host.call("ADD", workload).standardOutput())
            .getAsJsonObject()
            .getAsJsonArray("ips");
    assertThat(ips).hasSize(2);
    String cidr = ips.get(1).getAsJsonObject().get("address").getAsString();
    assertThat(cidr).startsWith("fd00:65:").endsWith("/128");
    return cidr.substring(0, cidr.indexOf('/'));
  }

  @Test
  void anUnreadablePolicyClosesWorkloadsAndAForgedSourceIsDropped() throws Exception {
    Workload a = host.start("a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("b", Orchestrator.RKT, "calico", Map.of());
    assertThat(pings(a, b)).isTrue();

    a.sandbox().ip("address", "add", "10.65.99.99/32", "dev", "eth0");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "10.65.99.99", b.address())).isFalse();

    String key = "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/broken";
    assertThat(etcdctl("put", key, "{")).isNotEmpty();
    Await.until("an unreadable policy denies", 15, () -> !pings(a, b));
    assertThat(etcdctl("del", key)).isNotEmpty();
    Await.until("it is gone again", 15, () -> pings(a, b));

    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }
}
