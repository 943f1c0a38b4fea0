package io.calico4j.node;

import io.calico4j.node.http.Page;
import io.calico4j.node.http.PageServer;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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

  MetricsServer(HealthServer health, Map<String, String> environment, PrometheusRegistry registry)
      throws IOException {
    Supplier<Page> page = () -> page(registry);
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

  /** Makes the page from what the registry holds now. */
  static Page page(PrometheusRegistry registry) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.create().write(text, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Page(
        200, PrometheusTextFormatWriter.CONTENT_TYPE, text.toString(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    own.ifPresent(PageServer::close);
  }
}
