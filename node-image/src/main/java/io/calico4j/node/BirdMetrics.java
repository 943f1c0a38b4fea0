package io.calico4j.node;

import io.calico4j.core.bird.BirdSession;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** Metrics of BGP sessions, with the names of Calico's; bird is asked at each scrape. */
final class BirdMetrics {
  private static final String VERSION = "ip_version";

  private BirdMetrics() {}

  static void register(PrometheusRegistry registry, Supplier<List<BirdSession>> sessions) {
    GaugeWithCallback.builder()
        .name("bgp_peers")
        .help("BGP sessions, by the state they are in.")
        .labelNames("status", VERSION)
        .callback(
            gauge ->
                byStatus(sessions.get())
                    .forEach(
                        (version, counts) ->
                            counts.forEach((status, n) -> gauge.call(n, status, version))))
        .register(registry);
    gauge(
        registry,
        "bgp_routes_imported",
        "Routes that are taken from peers now.",
        sessions,
        BirdSession::imported);
    gauge(
        registry,
        "bgp_routes_exported",
        "Routes that peers are told now.",
        sessions,
        BirdSession::exported);
    CounterWithCallback.builder()
        .name("bgp_route_updates_received")
        .help("Times that a peer has told a route, since its session began.")
        .labelNames(VERSION)
        .callback(
            counter ->
                sums(sessions.get(), BirdSession::updates)
                    .forEach((version, sum) -> counter.call(sum, version)))
        .register(registry);
  }

  private static void gauge(
      PrometheusRegistry registry,
      String name,
      String help,
      Supplier<List<BirdSession>> sessions,
      ToLongFunction<BirdSession> count) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames(VERSION)
        .callback(
            gauge ->
                sums(sessions.get(), count).forEach((version, sum) -> gauge.call(sum, version)))
        .register(registry);
  }

  private static Map<String, Map<String, Long>> byStatus(List<BirdSession> sessions) {
    Map<String, Map<String, Long>> counts = new TreeMap<>();
    for (BirdSession session : sessions) {
      counts
          .computeIfAbsent(version(session), v -> new TreeMap<>(Map.of("Established", 0L)))
          .merge(session.status(), 1L, Long::sum);
    }
    return counts;
  }

  private static Map<String, Long> sums(
      List<BirdSession> sessions, ToLongFunction<BirdSession> count) {
    Map<String, Long> sums = new TreeMap<>();
    sessions.forEach(s -> sums.merge(version(s), count.applyAsLong(s), Long::sum));
    return sums;
  }

  private static String version(BirdSession session) {
    return session.isV6() ? "IPv6" : "IPv4";
  }
}
