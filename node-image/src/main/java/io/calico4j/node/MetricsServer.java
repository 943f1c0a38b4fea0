package io.calico4j.node;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where Prometheus fetches: {@code /metrics} on the health port, and with
 * FELIX_PROMETHEUSMETRICSENABLED=true on a port of its own too, as upstream's Felix has it:
 * FELIX_PROMETHEUSMETRICSPORT, 9091, on FELIX_PROMETHEUSMETRICSHOST, every address.
 */
final class MetricsServer implements AutoCloseable {
  private static final String PATH = "/metrics";

  private final Optional<HealthServer> own;

  MetricsServer(
      HealthServer health, Map<String, String> environment, List<Supplier<String>> sources)
      throws IOException {
    Supplier<HealthServer.Page> page =
        () -> {
          StringBuilder text = new StringBuilder();
          sources.forEach(source -> text.append(source.get()));
          return new HealthServer.Page(200, text.toString());
        };
    health.page(PATH, page);
    if (!environment
        .getOrDefault("FELIX_PROMETHEUSMETRICSENABLED", "")
        .matches("(?i)true|1|yes|y|t")) {
      own = Optional.empty();
      return;
    }
    String port = environment.getOrDefault("FELIX_PROMETHEUSMETRICSPORT", "9091");
    if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
      throw new IllegalArgumentException("FELIX_PROMETHEUSMETRICSPORT \"" + port + "\" is no port");
    }
    String host = environment.getOrDefault("FELIX_PROMETHEUSMETRICSHOST", "");
    HealthServer server =
        new HealthServer(
            host.isEmpty() ? "0.0.0.0" : host, Integer.parseInt(port), Map.of(), Map.of());
    server.page(PATH, page);
    own = Optional.of(server);
  }

  @Override
  public void close() {
    own.ifPresent(HealthServer::close);
  }
}
