package io.calico4j.node;

import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.felix.Felix;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Metrics that are read from the agent's parts at each scrape. */
final class Metrics {
  private Metrics() {}

  static void register(PrometheusRegistry registry, Felix felix, EndpointService endpoints) {
    FelixMetrics.register(registry, felix::figures, LogStream::errors);
    attached(registry, felix::localEndpoints);
    GaugeWithCallback.builder()
        .name("calico_teardowns_pending")
        .help("Detachments that the datastore has not heard of yet.")
        .callback(gauge -> gauge.call(endpoints.pendingTeardowns()))
        .register(registry);
    CounterWithCallback.builder()
        .name("calico_felix_table_repairs_total")
        .help(
            "Times that the table inet calico was written again because another program had"
                + " changed it.")
        .callback(counter -> counter.call(felix.tableRepairs()))
        .register(registry);
    CounterWithCallback.builder()
        .name("calico_felix_route_repairs")
        .help(
            "Routes, neighbours and settings of interfaces that were put back because another"
                + " program had changed them.")
        .callback(counter -> counter.call(felix.routeRepairs()))
        .register(registry);
    GaugeWithCallback.builder()
        .name("calico_datastore_damaged_resources")
        .help("Resources that cannot be read.")
        .callback(gauge -> gauge.call(felix.damaged().size()))
        .register(registry);
  }

  static void attached(
      PrometheusRegistry registry, Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints) {
    GaugeWithCallback.builder()
        .name("calico_containers_attached")
        .help("Interfaces attached now, by runtime.")
        .labelNames("runtime")
        .callback(gauge -> byRuntime(endpoints.get()).forEach((r, n) -> gauge.call(n, r)))
        .register(registry);
  }

  private static Map<String, Long> byRuntime(List<Resource<WorkloadEndpointSpec>> endpoints) {
    Map<String, Long> byRuntime = new TreeMap<>(Map.of("mesos", 0L, "rkt", 0L, "net-modules", 0L));
    endpoints.forEach(e -> byRuntime.merge(runtime(e), 1L, Long::sum));
    return byRuntime;
  }

  private static String runtime(Resource<WorkloadEndpointSpec> endpoint) {
    String runtime = endpoint.metadata().annotations().getOrDefault("io.calico4j/runtime", "");
    return runtime.isEmpty() ? "other" : runtime;
  }
}
