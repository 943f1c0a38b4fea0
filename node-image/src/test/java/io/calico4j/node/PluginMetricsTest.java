package io.calico4j.node;

import static io.calico4j.core.plugin.Outcome.NetModulesFailure.ADDRESS_IN_USE;
import static io.calico4j.core.plugin.Outcome.NetModulesFailure.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.Outcome.CniFailure;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PluginMetricsTest {
  private static final Outcome SERVED = new Outcome.Served();

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final PluginMetrics metrics = new PluginMetrics(registry);

  private void serve(String program, String cniCommand, String input, Outcome outcome) {
    PluginResponse given = new PluginResponse(outcome, "{\"code\":4}", "");
    PluginHandler handler = metrics.counting(Map.of(program, request -> given)).get(program);
    Map<String, String> environment =
        cniCommand.isEmpty() ? Map.of() : Map.of("CNI_COMMAND", cniCommand);
    assertThat(handler.handle(new PluginRequest(program, environment, input, -1))).isSameAs(given);
  }

  private String text() {
    return MetricsServer.page(registry).text();
  }

  static List<Arguments> requests() {
    return List.of(
        arguments("calico", "ADD", "{}", SERVED, "ADD", "ok"),
        arguments("calico", "ADD", "{}", new CniFailure(100), "ADD", "ipam"),
        arguments("calico", "DEL", "{}", new CniFailure(11), "DEL", "try-again"),
        arguments("calico", "DEL", "{}", new CniFailure(4711), "DEL", "code-4711"),
        arguments("calico", "EXPLODE", "{}", new CniFailure(4), "other", "environment"),
        arguments("calico-mesos", "", "{\"command\":\"isolate\"}", SERVED, "isolate", "ok"),
        arguments("calico-mesos", "", "{\"command\":\"isolate\"}", REFUSED, "isolate", "refused"),
        arguments(
            "calico-mesos", "", "{\"command\":\"reserve\"}", ADDRESS_IN_USE, "reserve", "ipam"),
        arguments("calico-mesos", "", "nonsense", REFUSED, "other", "refused"),
        arguments("calico-mesos", "", "{\"command\":[]}", REFUSED, "other", "refused"),
        arguments("calico-mesos", "", "{\"command\":\"x\\\"y\"}", REFUSED, "other", "refused"));
  }

  @ParameterizedTest
  @MethodSource("requests")
  void requestsAreCountedByOutcome(
      String program,
      String cniCommand,
      String input,
      Outcome outcome,
      String command,
      String result) {
    serve(program, cniCommand, input, outcome);
    assertThat(text())
        .contains(
            "calico_plugin_requests_total{command=\""
                + command
                + "\",program=\""
                + program
                + "\",result=\""
                + result
                + "\"} 1.0\n");
  }

  @ParameterizedTest
  @CsvSource({
    "1,version",
    "4,environment",
    "6,json",
    "7,configuration",
    "11,try-again",
    "50,not-available",
    "51,code-51",
    "100,ipam",
    "101,sandbox",
    "102,kernel",
    "103,inconsistent",
    "999999,code-999999",
    "1000000,refused"
  })
  void everyCodeHasAResult(int code, String result) {
    serve("calico", "ADD", "{}", new CniFailure(code));
    assertThat(text()).contains(",result=\"" + result + "\"} 1.0\n");
  }

  @Test
  void durationsAreAHistogramWhoseBucketsGrow() {
    Metrics.attached(registry, List::of);
    serve("calico", "ADD", "{}", SERVED);
    serve("calico", "ADD", "{}", new CniFailure(11));
    String name = "calico_plugin_request_duration_seconds";
    String labels = "{command=\"ADD\",program=\"calico\"";
    assertThat(text())
        .contains("# TYPE " + name + " histogram\n")
        .contains(name + "_bucket" + labels + ",le=\"0.001\"} ")
        .contains(name + "_bucket" + labels + ",le=\"+Inf\"} 2\n")
        .contains(name + "_bucket" + labels + ",le=\"10.0\"} 2\n")
        .contains(name + "_count" + labels + "} 2\n")
        .contains("calico_containers_attached{runtime=\"mesos\"} 0.0\n");
    assertThat(text().lines().toList())
        .allMatch(line -> line.matches("# (HELP|TYPE) .+|[a-z_]+(\\{.+})? [0-9.]+(E-?[0-9]+)?"));
  }

  @Test
  void aHandlerThatFailsIsCountedToo() {
    PluginHandler broken =
        metrics
            .counting(
                Map.of(
                    "calico",
                    request -> {
                      throw new IllegalStateException("broken");
                    }))
            .get("calico");
    assertThatThrownBy(
            () -> broken.handle(new PluginRequest("calico", Map.of("CNI_COMMAND", "ADD"), "", -1)))
        .hasMessage("broken");
    assertThat(text()).contains("{command=\"ADD\",program=\"calico\",result=\"code-999\"} 1.0\n");
  }

  @Test
  void prometheusHasAPortOfItsOwnWhenItIsWanted() throws Exception {
    int health = freePort();
    int own = freePort();
    Map<String, String> environment =
        Map.of(
            "FELIX_PROMETHEUSMETRICSENABLED", "True",
            "FELIX_PROMETHEUSMETRICSHOST", "127.0.0.1",
            "FELIX_PROMETHEUSMETRICSPORT", Integer.toString(own));
    serve("calico", "ADD", "{}", SERVED);
    try (HealthServer server = new HealthServer("127.0.0.1", health, Map.of(), new Readiness());
        MetricsServer metricsServer = new MetricsServer(server, environment, registry)) {
      assertThat(metricsServer).isNotNull();
      assertThat(fetch(health)).isEqualTo(text()).contains("result=\"ok\"} 1.0\n");
      assertThat(fetch(own)).isEqualTo(text());
    }
    assertThatThrownBy(() -> fetch(own)).isInstanceOf(java.net.ConnectException.class);
  }

  private static int freePort() throws java.io.IOException {
    try (java.net.ServerSocket socket = new java.net.ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String fetch(int port) throws java.io.IOException {
    java.net.URL url = java.net.URI.create("http://127.0.0.1:" + port + "/metrics").toURL();
    try (java.io.InputStream in = url.openStream()) {
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    }
  }
}
