package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Rule;
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
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FelixMetricsTest {
  private static final String RULE =
      "{action=\"Deny\",direction=\"ingress\",policy=\"GlobalNetworkPolicy(guard)\",rule=\"2\","
          + "tier=\"default\"}";

  private static final FelixFigures FIGURES =
      new FelixFigures(
          "host-a",
          new FelixWork(
              FelixWork.Sync.IN_SYNC,
              1,
              new Sum(2, 0.5),
              Map.of("EndpointUpdate", 3L),
              new Sum(4, 5),
              new Sum(6, 0.25),
              7,
              Optional.of(1.5)),
          new CalculationFigures(
              8,
              9,
              10,
              Map.of("WorkloadEndpoint", 11L),
              12,
              new CalculationFigures.Cluster(13, 14, 15, 16, 17, 18),
              new LabelIndex.Figures(19, 20, 21, 22, 23)),
          new TableFigures(24, 25, 26, 27, 28),
          new NftCalls.Figures(29, 30, 31, 32, 33, 34),
          new RouteFigures(
              Map.of(IpFamily.IPV4, 35, IpFamily.IPV6, 36),
              Map.of(IpFamily.IPV4, 37),
              new Sum(39, 0.75)),
          List.of(
              new RuleCounters.Count(
                  "default",
                  "GlobalNetworkPolicy(guard)",
                  true,
                  2,
                  Rule.Action.Deny,
                  new RuleCounters.Reading(41, 42))));

  @Test
  void haveUpstreamsNames() {
    PrometheusRegistry registry = new PrometheusRegistry();
    FelixMetrics.register(registry, () -> FIGURES, () -> 40);
    List<String> values =
        MetricsServer.page(registry).text().lines().filter(l -> !l.startsWith("#")).toList();
    assertThat(values)
        .containsExactlyInAnyOrder(
            "felix_host{host=\"host-a\"} 1.0",
            "felix_resync_state 3.0",
            "felix_resyncs_started 1.0",
            "felix_calc_graph_update_time_seconds_count 2",
            "felix_calc_graph_update_time_seconds_sum 0.5",
            "felix_int_dataplane_messages{type=\"EndpointUpdate\"} 3.0",
            "felix_int_dataplane_msg_batch_size_count 4",
            "felix_int_dataplane_msg_batch_size_sum 5.0",
            "felix_int_dataplane_apply_time_seconds_count 6",
            "felix_int_dataplane_apply_time_seconds_sum 0.25",
            "felix_int_dataplane_failures 7.0",
            "felix_int_dataplane_initial_resync_time_seconds 1.5",
            "felix_active_local_endpoints 8.0",
            "felix_active_local_policies 9.0",
            "felix_active_local_selectors 10.0",
            "felix_calc_graph_updates_processed{type=\"WorkloadEndpoint\"} 11.0",
            "felix_calc_graph_output_events 12.0",
            "felix_cluster_num_hosts 13.0",
            "felix_cluster_num_host_endpoints 14.0",
            "felix_cluster_num_workload_endpoints 15.0",
            "felix_cluster_num_policies 16.0",
            "felix_cluster_num_profiles 17.0",
            "felix_cluster_num_tiers 18.0",
            "felix_label_index_num_endpoints 19.0",
            "felix_label_index_num_active_selectors{optimized=\"true\"} 20.0",
            "felix_label_index_num_active_selectors{optimized=\"false\"} 21.0",
            "felix_label_index_selector_evals{result=\"true\"} 22.0",
            "felix_label_index_selector_evals{result=\"false\"} 23.0",
            "felix_nft_chains{table=\"calico\"} 24.0",
            "felix_nft_rules{table=\"calico\"} 25.0",
            "felix_nft_maps{table=\"calico\"} 26.0",
            "felix_nft_sets{table=\"calico\"} 55.0",
            "felix_ipsets_calico{ip_version=\"inet\"} 27.0",
            "felix_ipsets_calico{ip_version=\"inet6\"} 28.0",
            "felix_nft_calls 29.0",
            "felix_nft_errors 30.0",
            "felix_nft_list_calls 31.0",
            "felix_nft_list_errors 32.0",
            "felix_nft_set_calls 33.0",
            "felix_nft_set_errors 34.0",
            "felix_route_table_num_routes{ip_version=\"4\"} 35.0",
            "felix_route_table_num_routes{ip_version=\"6\"} 36.0",
            "felix_route_table_num_ifaces{ip_version=\"4\"} 37.0",
            "felix_route_table_num_ifaces{ip_version=\"6\"} 0.0",
            "felix_route_table_resync_seconds_count 39",
            "felix_route_table_resync_seconds_sum 0.75",
            "calico_policy_rule_packets_total" + RULE + " 41.0",
            "calico_policy_rule_bytes_total" + RULE + " 42.0",
            "felix_log_errors 40.0");
  }
}
