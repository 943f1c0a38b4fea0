package io.calico4j.node;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Counts what the plugins are asked: requests by program, command and outcome, and how long they
 * take.
 */
final class PluginMetrics {
  private static final double[] BOUNDS = {
    .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10
  };

  /** Counted when a handler throws: what the plugin server answers then. */
  private static final Outcome CRASHED = new Outcome.CniFailure(999);

  private static final Set<String> COMMANDS =
      Set.of(
          "ADD",
          "DEL",
          "CHECK",
          "GC",
          "STATUS",
          "VERSION",
          "allocate",
          "reserve",
          "release",
          "isolate",
          "cleanup");

  private final Counter requests;
  private final Histogram durations;

  PluginMetrics(PrometheusRegistry registry) {
    requests =
        Counter.builder()
            .name("calico_plugin_requests_total")
            .help("Requests that plugins served, by outcome.")
            .labelNames("program", "command", "result")
            .withoutExemplars()
            .register(registry);
    durations =
        Histogram.builder()
            .name("calico_plugin_request_duration_seconds")
            .help("How long requests took.")
            .labelNames("program", "command")
            .classicOnly()
            .classicUpperBounds(BOUNDS)
            .withoutExemplars()
            .register(registry);
  }

  /** Counts the requests of every program. */
  Map<String, PluginHandler> counting(Map<String, PluginHandler> handlers) {
    Map<String, PluginHandler> counted = new TreeMap<>();
    handlers.forEach((program, handler) -> counted.put(program, counting(program, handler)));
    return counted;
  }

  private PluginHandler counting(String program, PluginHandler handler) {
    return request -> {
      long start = System.nanoTime();
      Outcome outcome = CRASHED;
      try {
        PluginResponse response = handler.handle(request);
        outcome = response.outcome();
        return response;
      } finally {
        String command = command(request);
        requests.labelValues(program, command, result(outcome)).inc();
        durations.labelValues(program, command).observe((System.nanoTime() - start) / 1e9);
      }
    };
  }

  private static String command(PluginRequest request) {
    String cni = request.environment().get("CNI_COMMAND");
    String command = cni != null ? cni : netModulesCommand(request.standardInput());
    return COMMANDS.contains(command) ? command : "other";
  }

  private static String netModulesCommand(String input) {
    try {
      return JsonParser.parseString(input) instanceof JsonObject request
              && request.get("command") instanceof JsonPrimitive command
          ? command.getAsString()
          : "";
    } catch (JsonParseException | NumberFormatException e) {
      return "";
    }
  }

  private static String result(Outcome outcome) {
    if (outcome instanceof Outcome.CniFailure failure) {
      return reason(failure.code());
    }
    if (outcome instanceof Outcome.NetModulesFailure failure) {
      return switch (failure) {
        case ADDRESS_IN_USE -> "ipam";
        case REFUSED -> "refused";
      };
    }
    return "ok";
  }

  private static String reason(int code) {
    return switch (code) {
      case CniError.INCOMPATIBLE_VERSION -> "version";
      case CniError.INVALID_ENVIRONMENT -> "environment";
      case CniError.CANNOT_DECODE -> "json";
      case CniError.INVALID_CONFIGURATION -> "configuration";
      case CniError.TRY_AGAIN -> "try-again";
      case CniError.NOT_AVAILABLE -> "not-available";
      case CniError.IPAM -> "ipam";
      case CniError.SANDBOX -> "sandbox";
      case CniError.KERNEL -> "kernel";
      case CniError.INCONSISTENT -> "inconsistent";
      default -> code <= 999_999 ? "code-" + code : "refused";
    };
  }
}
