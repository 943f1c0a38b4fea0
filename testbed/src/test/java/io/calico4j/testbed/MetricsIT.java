package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Felix' metrics are what the kernel and the datastore have. */
class MetricsIT extends OneHost {
  private double metric(String name) throws IOException {
    Matcher matcher =
        Pattern.compile("(?m)^" + Pattern.quote(name) + " (.*)$").matcher(host.page("/metrics"));
    assertThat(matcher.find()).as(name).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  private void mustBeTheTables() throws IOException {
    String table = host.command("nft", "-j", "list", "table", "inet", "calico").mustRun();
    for (String kind : new String[] {"chain", "rule", "set", "map"}) {
      long there =
          Pattern.compile("\\{\"" + kind + "\": \\{\"family\"").matcher(table).results().count();
      assertThat(metric("felix_nft_" + kind + "s{table=\"calico\"}")).as(kind).isEqualTo(there);
    }
    long v6 = Pattern.compile("\"type\": (\\[)?\"ipv6_addr").matcher(table).results().count();
    assertThat(metric("felix_ipsets_calico{ip_version=\"inet6\"}")).isEqualTo(v6);
  }

  private void policy(String name, String rules) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: %s}
        spec: {selector: has(app), ingress: %s}
        """
            .formatted(name, rules));
  }

  @Test
  void figuresAreTrueAcrossChanges() throws Exception {
    Await.until("there is no endpoint", 5, () -> metric("felix_active_local_endpoints") == 0);
    mustBeTheTables();
    assertThat(metric("felix_resync_state")).isEqualTo(3);
    assertThat(metric("felix_resyncs_started")).isEqualTo(1);
    assertThat(metric("felix_host{host=\"host-a\"}")).isEqualTo(1);
    assertThat(metric("felix_int_dataplane_initial_resync_time_seconds")).isBetween(0.001, 60.0);

    policy("m", "[{action: Allow, protocol: TCP, source: {selector: has(app)}}, {action: Deny}]");
    Workload task = host.start("metrics", Orchestrator.MESOS, "net", Map.of("app", "x"));
    assertThat(metric("felix_active_local_endpoints")).isEqualTo(1);
    assertThat(metric("felix_active_local_policies")).isEqualTo(1);
    // The profile of the network has one too.
    assertThat(metric("felix_active_local_selectors")).isEqualTo(2);
    assertThat(metric("felix_cluster_num_workload_endpoints")).isEqualTo(1);
    assertThat(metric("felix_cluster_num_policies")).isEqualTo(1);
    assertThat(metric("felix_route_table_num_routes{ip_version=\"4\"}"))
        .isEqualTo(host.workloadRoutes().size());
    mustBeTheTables();

    double sets = metric("felix_nft_sets{table=\"calico\"}");
    double calls = metric("felix_nft_calls");
    policy("m", "[{action: Allow, protocol: TCP, destination: {ports: [1, '5:9']}}]");
    Await.until("the policy is in force", 5, () -> metric("felix_active_local_selectors") == 1);
    assertThat(metric("felix_nft_calls")).isGreaterThan(calls);
    mustBeTheTables();
    host.awaitNoUnusedRules();
    Await.until(
        "what is unused is gone", 10, () -> metric("felix_nft_sets{table=\"calico\"}") < sets);
    mustBeTheTables();
    host.delete(task);
    double repairs = metric("calico_felix_table_repairs_total");
    host.command("nft", "flush", "ruleset").mustRun();
    Await.until(
        "the table is written again",
        5,
        () -> metric("calico_felix_table_repairs_total") > repairs);
    mustBeTheTables();
    Await.until(
        "the endpoint is gone", 5, () -> metric("felix_cluster_num_workload_endpoints") == 0);
  }

  private void countRules(String switched) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default, annotations: {io.calico4j/rule-counters: %s}}
        spec: {}
        """
            .formatted(switched));
  }

  private double counted(String unit, int rule, String action) throws IOException {
    return metric(
        "calico_policy_rule_"
            + unit
            + "_total{action=\""
            + action
            + "\",direction=\"ingress\",policy=\"GlobalNetworkPolicy(count)\",rule=\""
            + rule
            + "\",tier=\"default\"}");
  }

  @Test
  void rulesCountWhatTheyDecideOn() throws Exception {
    Workload a = host.start("count-a", Orchestrator.MESOS, "net", Map.of("app", "a"));
    Workload b = host.start("count-b", Orchestrator.MESOS, "net", Map.of("app", "b"));
    String spec =
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: count}
        spec:
          selector: app == 'b'
          ingress:
          - {action: Deny, protocol: TCP, destination: {ports: [%d]}}
          - {action: Allow, protocol: ICMP}
        """;
    apply(spec.formatted(9999));
    Await.until("the policy is in force", 5, () -> !PacketProbe.tcp(a.sandbox(), b.address()));
    assertThat(host.rules()).doesNotContain("counter packets");
    assertThat(host.page("/metrics")).doesNotContain("calico_policy_rule");

    countRules("Enabled");
    Await.until("rules count", 5, () -> host.page("/metrics").contains("calico_policy_rule"));
    assertThat(counted("packets", 2, "Allow")).isZero();
    assertThat(pings(a, b)).isTrue();
    // Answers, and what follows the first packet, belong to a known connection.
    assertThat(counted("packets", 2, "Allow")).isEqualTo(1);
    assertThat(counted("bytes", 2, "Allow")).isEqualTo(84);
    assertThat(PacketProbe.tcp(a.sandbox(), b.address(), 9999)).isFalse();
    double denied = counted("packets", 1, "Deny");
    assertThat(denied).isPositive();

    // Another program's flush loses what came since the last look, and no more.
    double repairs = metric("calico_felix_table_repairs_total");
    host.command("nft", "flush", "ruleset").mustRun();
    Await.until(
        "the table is written again",
        5,
        () -> metric("calico_felix_table_repairs_total") > repairs);
    assertThat(counted("packets", 2, "Allow")).isEqualTo(1);
    assertThat(pings(a, b)).isTrue();
    assertThat(counted("packets", 2, "Allow")).isEqualTo(2);

    apply(spec.formatted(9998));
    Await.until("the changed rule counts anew", 5, () -> counted("packets", 1, "Deny") == 0);
    assertThat(counted("packets", 2, "Allow")).isEqualTo(2);

    countRules("Disabled");
    Await.until("nothing counts", 5, () -> !host.rules().contains("counter packets"));
    assertThat(host.page("/metrics")).doesNotContain("calico_policy_rule");
    assertThat(host.calicoctl("", "delete", "globalnetworkpolicy", "count").exitCode()).isZero();
    host.delete(a);
    host.delete(b);
  }
}
