package io.calico4j.node;

import io.calico4j.libnetwork.LibnetworkPlugin;
import io.calico4j.node.http.Page;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/** Counts what Docker asks for, and what is taken back because Docker does not list it. */
final class DockerMetrics implements LibnetworkPlugin.Observer {
  private static final double[] BOUNDS = {.001, .005, .01, .05, .1, .5, 1, 5, 10};

  private final Counter calls;
  private final Histogram durations;

  DockerMetrics(PrometheusRegistry registry) {
    calls =
        Counter.builder()
            .name("calico_docker_calls_total")
            .help("Calls of Docker's plugin protocols, by outcome.")
            .labelNames("call", "result")
            .withoutExemplars()
            .register(registry);
    durations =
        Histogram.builder()
            .name("calico_docker_call_duration_seconds")
            .help("How long calls took.")
            .labelNames("call")
            .classicOnly()
            .classicUpperBounds(BOUNDS)
            .withoutExemplars()
            .register(registry);
  }

  @Override
  public void served(String call, boolean refused, long nanos) {
    calls.labelValues(call, refused ? "refused" : "ok").inc();
    durations.labelValues(call).observe(nanos / 1e9);
  }

  /** Shows how the plugin does. */
  static void register(PrometheusRegistry registry, LibnetworkPlugin plugin) {
    GaugeWithCallback.builder()
        .name("calico_docker_up")
        .help("Whether Docker answered the last question about its networks.")
        .callback(gauge -> gauge.call(plugin.dockerProblem().isEmpty() ? 1 : 0))
        .register(registry);
    CounterWithCallback.builder()
        .name("calico_docker_released_total")
        .help("Endpoints and addresses taken back because Docker does not list them.")
        .callback(counter -> counter.call(plugin.takenBack()))
        .register(registry);
  }

  /** Tells how the last comparison with Docker went: 200 when Docker answered, else 503 and why. */
  static Page page(LibnetworkPlugin plugin) {
    return plugin
        .dockerProblem()
        .map(text -> Page.plain(503, text + "\n"))
        .orElseGet(() -> Page.plain(200, "Docker answers\n"));
  }
}
