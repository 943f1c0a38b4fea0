package io.calico4j.node;

import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.LabelIndex;
import io.calico4j.felix.FelixFigures;
import io.calico4j.felix.FelixWork;
import io.calico4j.felix.RouteFigures;
import io.calico4j.felix.Sum;
import io.calico4j.felix.calculation.CalculationFigures;
import io.calico4j.felix.dataplane.nft.NftCalls;
import io.calico4j.felix.dataplane.nft.TableFigures;
import io.calico4j.felix.rules.RuleCounters;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Felix' metrics, with upstream's names ({@code felix/calc}, {@code felix/nftables}, {@code
 * felix/dataplane/linux}). All of a scrape are of the same moment.
 */
final class FelixMetrics {
  private static final String IP_VERSION = "ip_version";
  private static final String TABLE = "table";

  private FelixMetrics() {}

  /**
   * Registers them.
   *
   * @param logErrors how many lines of the log could not be written
   */
  static void register(
      PrometheusRegistry registry, Supplier<FelixFigures> figures, LongSupplier logErrors) {
    MultiCollector collector = () -> snapshots(figures.get(), logErrors.getAsLong());
    registry.register(collector);
  }

  private static MetricSnapshots snapshots(FelixFigures figures, long logErrors) {
    MetricFamilies all = new MetricFamilies();
    all.gauge("felix_host", "The node's name.").put(1, "host", figures.node());
    calculation(all, figures.calculation());
    index(all, figures.calculation().index());
    work(all, figures.work());
    table(all, figures.table(), figures.nft());
    routes(all, figures.routes());
    rules(all, figures.rules());
    all.counter("felix_log_errors", "Lines of the log that could not be written.").put(logErrors);
    return all.build();
  }

  private static void calculation(MetricFamilies all, CalculationFigures calculation) {
    all.gauge("felix_active_local_endpoints", "Endpoints of this node.")
        .put(calculation.localEndpoints());
    all.gauge("felix_active_local_policies", "Policies that apply to endpoints of this node.")
        .put(calculation.localPolicies());
    all.gauge("felix_active_local_selectors", "Sets of addresses that rules of this node ask for.")
        .put(calculation.addressSets());
    all.counter("felix_calc_graph_output_events", "Changes that the calculation has told of.")
        .put(calculation.output());
    all.counter("felix_calc_graph_updates_processed", "Updates of the datastore, by kind.")
        .putAll("type", calculation.updates());
    CalculationFigures.Cluster cluster = calculation.cluster();
    all.gauge("felix_cluster_num_hosts", "Nodes of the cluster.").put(cluster.hosts());
    all.gauge("felix_cluster_num_host_endpoints", "HostEndpoints of the cluster.")
        .put(cluster.hostEndpoints());
    all.gauge("felix_cluster_num_workload_endpoints", "WorkloadEndpoints of the cluster.")
        .put(cluster.workloadEndpoints());
    all.gauge("felix_cluster_num_policies", "Policies of the cluster.").put(cluster.policies());
    all.gauge("felix_cluster_num_profiles", "Profiles of the cluster.").put(cluster.profiles());
    all.gauge("felix_cluster_num_tiers", "Tiers of the cluster.").put(cluster.tiers());
  }

  private static void index(MetricFamilies all, LabelIndex.Figures index) {
    all.gauge("felix_label_index_num_endpoints", "Endpoints and network sets in the index.")
        .put(index.items());
    all.gauge(
            "felix_label_index_num_active_selectors",
            "Selectors in the index, by whether a label that they demand finds them.")
        .put(index.restricted(), "optimized", "true")
        .put(index.unrestricted(), "optimized", "false");
    all.counter(
            "felix_label_index_selector_evals",
            "Comparisons of a selector with an endpoint or network set.")
        .put(index.matches(), "result", "true")
        .put(index.misses(), "result", "false");
  }

  private static void work(MetricFamilies all, FelixWork work) {
    all.gauge("felix_resync_state", "1: waiting, 2: fetching a snapshot, 3: in sync.")
        .put(
            switch (work.sync()) {
              case WAIT_FOR_READY -> 1;
              case RESYNC -> 2;
              case IN_SYNC -> 3;
            });
    all.counter("felix_resyncs_started", "Snapshots of the datastore that were begun.")
        .put(work.resyncs());
    all.summary("felix_calc_graph_update_time_seconds", "Time of each update of the datastore.")
        .put(work.updates());
    all.counter("felix_int_dataplane_messages", "Changes that the dataplane was told of, by type.")
        .putAll("type", work.messages());
    all.summary("felix_int_dataplane_msg_batch_size", "Changes that are taken over together.")
        .put(work.batches());
    all.summary("felix_int_dataplane_apply_time_seconds", "Time until they are in the kernel.")
        .put(work.applies());
    all.counter("felix_int_dataplane_failures", "Times that they could not be programmed.")
        .put(work.failures());
    work.initialSeconds()
        .ifPresent(
            seconds ->
                all.gauge(
                        "felix_int_dataplane_initial_resync_time_seconds",
                        "Time from the start until the first snapshot was in the kernel.")
                    .put(seconds));
  }

  private static void table(MetricFamilies all, TableFigures table, NftCalls.Figures calls) {
    all.gauge("felix_nft_chains", "Chains of the table.").put(table.chains(), TABLE, "calico");
    all.gauge("felix_nft_rules", "Rules of the table.").put(table.rules(), TABLE, "calico");
    all.gauge("felix_nft_maps", "Verdict maps of the table.").put(table.maps(), TABLE, "calico");
    all.gauge("felix_nft_sets", "Sets of the table.")
        .put(table.ipv4Sets() + table.ipv6Sets(), TABLE, "calico");
    all.gauge("felix_ipsets_calico", "Sets of the table, by address family.")
        .put(table.ipv4Sets(), IP_VERSION, "inet")
        .put(table.ipv6Sets(), IP_VERSION, "inet6");
    all.counter("felix_nft_calls", "Transactions through libnftables.").put(calls.runs());
    all.counter("felix_nft_errors", "Those that were refused.").put(calls.runErrors());
    all.counter("felix_nft_list_calls", "Listings of nftables.").put(calls.lists());
    all.counter("felix_nft_list_errors", "Those that failed.").put(calls.listErrors());
    all.counter("felix_nft_set_calls", "Transactions of elements of sets and maps alone.")
        .put(calls.changes());
    all.counter("felix_nft_set_errors", "Those that were refused.").put(calls.changeErrors());
  }

  private static void routes(MetricFamilies all, RouteFigures routes) {
    all.gauge("felix_route_table_num_routes", "Routes to workloads and through tunnels.")
        .putAll(IP_VERSION, byVersion(routes.routes()));
    all.gauge("felix_route_table_num_ifaces", "Interfaces of workloads that have routes.")
        .putAll(IP_VERSION, byVersion(routes.interfaces()));
    Sum resyncs = routes.resyncs();
    all.summary("felix_route_table_resync_seconds", "Time of comparing all routes.").put(resyncs);
  }

  private static void rules(MetricFamilies all, List<RuleCounters.Count> rules) {
    if (rules.isEmpty()) {
      return;
    }
    MetricFamilies.Values packets =
        all.total("calico_policy_rule_packets", "Packets that a rule has decided on.");
    MetricFamilies.Values bytes =
        all.total("calico_policy_rule_bytes", "Bytes of the packets that a rule has decided on.");
    for (RuleCounters.Count rule : rules) {
      String[] labels = {
        "tier", rule.tier(),
        "policy", rule.policy(),
        "direction", rule.ingress() ? "ingress" : "egress",
        "rule", String.valueOf(rule.rule()),
        "action", rule.action().name()
      };
      packets.put(rule.counted().packets(), labels);
      bytes.put(rule.counted().bytes(), labels);
    }
  }

  private static Map<String, Integer> byVersion(Map<IpFamily, Integer> counts) {
    return Map.of(
        "4", counts.getOrDefault(IpFamily.IPV4, 0), "6", counts.getOrDefault(IpFamily.IPV6, 0));
  }
}
