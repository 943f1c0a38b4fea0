package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PluginMetricsTest {
  private final PluginMetrics metrics = new PluginMetrics();

  private void serve(String program, String cniCommand, String input, int exitCode, String output) {
    PluginHandler handler =
        metrics
            .counting(Map.of(program, request -> new PluginResponse(exitCode, output, "")))
            .get(program);
    Map<String, String> environment =
        cniCommand.isEmpty() ? Map.of() : Map.of("CNI_COMMAND", cniCommand);
    PluginResponse response = handler.handle(new PluginRequest(program, environment, input, -1));
    assertThat(response.standardOutput()).isEqualTo(output);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "calico|ADD|{}|0|{}|ADD|ok",
        "calico|ADD|{}|1|{'code':100}|ADD|ipam",
        "calico|DEL|{}|1|{'code':11}|DEL|try-again",
        "calico|DEL|{}|1|{'code':4711}|DEL|code-4711",
        "calico|EXPLODE|{}|1|{'code':4}|other|environment",
        "calico-mesos||{'command':'isolate'}|0|{'error':null}|isolate|ok",
        "calico-mesos||{'command':'isolate'}|1|{'error':'Missing pid'}|isolate|refused",
        "calico-mesos||{'command':'reserve'}|1|{'error':\"IP '10.0.0.1' already in use.\"}|reserve|ipam",
        "calico-mesos||nonsense|1|{'error':'no JSON'}|other|refused",
        "calico-mesos||{'command':'x\"y'}|1|{'error':'Unknown'}|other|refused",
      })
  void requestsAreCountedByOutcome(
      String program,
      String cniCommand,
      String input,
      int exitCode,
      String output,
      String command,
      String result) {
    serve(
        program,
        cniCommand == null ? "" : cniCommand,
        input.replace('\'', '"'),
        exitCode,
        output.contains("IP '")
            ? output.replace("{'error':", "{\"error\":")
            : output.replace('\'', '"'));
    assertThat(metrics.text(List::of))
        .contains(
            "calico_plugin_requests_total{program=\""
                + program
                + "\",command=\""
                + command
                + "\",result=\""
                + result
                + "\"} 1\n");
  }

  @Test
  void durationsAreAHistogramWhoseBucketsGrow() {
    serve("calico", "ADD", "{}", 0, "{}");
    serve("calico", "ADD", "{}", 1, "{}");
    String text = metrics.text(List::of);
    String name = "calico_plugin_request_duration_seconds";
    String labels = "{program=\"calico\",command=\"ADD\"";
    assertThat(text)
        .contains("# TYPE " + name + " histogram\n")
        .contains(name + "_bucket" + labels + ",le=\"+Inf\"} 2\n")
        .contains(name + "_bucket" + labels + ",le=\"10.0\"} 2\n")
        .contains(name + "_count" + labels + "} 2\n")
        .contains("calico_containers_attached{runtime=\"mesos\"} 0\n");
    assertThat(text.lines().toList())
        .allMatch(line -> line.matches("# (HELP|TYPE) .+|[a-z_]+(\\{.+})? [0-9.]+"));
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
    assertThat(metrics.text(List::of)).contains("command=\"ADD\",result=\"code-999\"} 1\n");
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
    try (HealthServer server = new HealthServer("127.0.0.1", health, Map.of(), new Readiness());
        MetricsServer metricsServer =
            new MetricsServer(server, environment, List.of(() -> "a 1\n", () -> "b 2\n"))) {
      assertThat(metricsServer).isNotNull();
      assertThat(fetch(health)).isEqualTo("a 1\nb 2\n");
      assertThat(fetch(own)).isEqualTo("a 1\nb 2\n");
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
