package io.calico4j.node;

import io.calico4j.node.http.Page;
import io.calico4j.node.http.PageServer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where Prometheus fetches: {@code /metrics} on the health port, and with
 * FELIX_PROMETHEUSMETRICSENABLED=true on a port of its own too, as upstream's Felix has it:
 * FELIX_PROMETHEUSMETRICSPORT, 9091, on FELIX_PROMETHEUSMETRICSHOST, which is localhost here.
 */
final class MetricsServer implements AutoCloseable {
  private static final String PATH = "/metrics";

  private final Optional<PageServer> own;

  MetricsServer(
      HealthServer health, Map<String, String> environment, List<Supplier<String>> sources)
      throws IOException {
    Supplier<Page> page =
        () -> {
          StringBuilder text = new StringBuilder();
          sources.forEach(source -> text.append(source.get()));
          return new Page(200, Metrics.CONTENT_TYPE, text.toString());
        };
    health.page(PATH, page);
    MetricsSettings settings = MetricsSettings.of(environment);
    if (!settings.enabled()) {
      own = Optional.empty();
      return;
    }
    PageServer server = new PageServer(settings.host(), settings.port());
    server.page(PATH, page);
    own = Optional.of(server);
  }

  @Override
  public void close() {
    own.ifPresent(PageServer::close);
  }
}
