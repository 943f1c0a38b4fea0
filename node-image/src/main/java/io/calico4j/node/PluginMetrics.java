package io.calico4j.node;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Counts what the plugins are asked: requests by program, command and outcome, and how long they
 * take; and how many containers are attached now.
 */
final class PluginMetrics {
  private static final double[] BOUNDS = {
    .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10
  };
  private static final String OK = "ok";

  /** Counted when a handler throws: {@code code-999}, which the plugin server answers then. */
  private static final PluginResponse CRASHED = new PluginResponse(1, "{\"code\":999}", "");

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
  private static final Map<Integer, String> REASONS =
      Map.of(
          CniError.INCOMPATIBLE_VERSION, "version",
          CniError.INVALID_ENVIRONMENT, "environment",
          CniError.CANNOT_DECODE, "json",
          CniError.INVALID_CONFIGURATION, "configuration",
          CniError.TRY_AGAIN, "try-again",
          CniError.NOT_AVAILABLE, "not-available",
          CniError.IPAM, "ipam",
          CniError.SANDBOX, "sandbox",
          CniError.KERNEL, "kernel",
          CniError.INCONSISTENT, "inconsistent");

  private final Map<Outcome, Long> outcomes = new TreeMap<>();
  private final Map<Asked, Durations> durations = new TreeMap<>();

  /** What was asked. */
  private record Asked(String program, String command) implements Comparable<Asked> {
    @Override
    public int compareTo(Asked other) {
      int byProgram = program.compareTo(other.program);
      return byProgram != 0 ? byProgram : command.compareTo(other.command);
    }
  }

  /** How it ended. */
  private record Outcome(Asked asked, String result) implements Comparable<Outcome> {
    @Override
    public int compareTo(Outcome other) {
      int byAsked = asked.compareTo(other.asked);
      return byAsked != 0 ? byAsked : result.compareTo(other.result);
    }
  }

  /** A histogram. */
  private static final class Durations {
    private final long[] upTo = new long[BOUNDS.length];
    private long count;
    private double sum;

    void add(double seconds) {
      count++;
      sum += seconds;
      for (int i = 0; i < BOUNDS.length; i++) {
        if (seconds <= BOUNDS[i]) {
          upTo[i]++;
        }
      }
    }
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
      PluginResponse response = CRASHED;
      try {
        response = handler.handle(request);
        return response;
      } finally {
        count(program, request, response, (System.nanoTime() - start) / 1e9);
      }
    };
  }

  private void count(
      String program, PluginRequest request, PluginResponse response, double seconds) {
    Asked asked = new Asked(program, command(request));
    Outcome outcome =
        new Outcome(asked, response.exitCode() == 0 ? OK : reason(response.standardOutput()));
    synchronized (this) {
      outcomes.merge(outcome, 1L, Long::sum);
      durations.computeIfAbsent(asked, a -> new Durations()).add(seconds);
    }
  }

  private static String command(PluginRequest request) {
    String cni = request.environment().get("CNI_COMMAND");
    String command = cni != null ? cni : text(object(request.standardInput()), "command");
    return COMMANDS.contains(command) ? command : "other";
  }

  private static String reason(String output) {
    JsonObject error = object(output);
    String code = text(error, "code");
    if (code.matches("[0-9]{1,6}")) {
      return REASONS.getOrDefault(Integer.parseInt(code), "code-" + code);
    }
    return text(error, "error").endsWith("already in use.") ? "ipam" : "refused";
  }

  private static JsonObject object(String text) {
    try {
      return JsonParser.parseString(text) instanceof JsonObject object ? object : new JsonObject();
    } catch (JsonParseException | NumberFormatException e) {
      return new JsonObject();
    }
  }

  private static String text(JsonObject object, String name) {
    return object.has(name) && object.get(name).isJsonPrimitive()
        ? object.get(name).getAsString()
        : "";
  }

  /** Prints all of it. */
  synchronized String text(Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints) {
    StringBuilder text = new StringBuilder();
    String requests = "calico_plugin_requests_total";
    text.append(Metrics.head(requests, "counter", "Requests that plugins served, by outcome."));
    outcomes.forEach(
        (o, n) ->
            text.append(
                Metrics.sample(
                    requests,
                    n,
                    "program",
                    o.asked().program(),
                    "command",
                    o.asked().command(),
                    "result",
                    o.result())));
    String seconds = "calico_plugin_request_duration_seconds";
    text.append(Metrics.head(seconds, "histogram", "How long requests took."));
    durations.forEach((asked, d) -> print(text, seconds, asked, d));
    String attached = "calico_containers_attached";
    text.append(Metrics.head(attached, "gauge", "Interfaces attached now, by runtime."));
    Map<String, Long> byRuntime = new TreeMap<>(Map.of("mesos", 0L, "rkt", 0L, "net-modules", 0L));
    endpoints.get().forEach(e -> byRuntime.merge(runtime(e), 1L, Long::sum));
    byRuntime.forEach((runtime, n) -> text.append(Metrics.sample(attached, n, "runtime", runtime)));
    return text.toString();
  }

  /** Prints how many detachments wait for the datastore. */
  static String teardowns(int pending) {
    String name = "calico_teardowns_pending";
    return Metrics.head(name, "gauge", "Detachments that the datastore has not heard of yet.")
        + Metrics.sample(name, pending);
  }

  private static void print(StringBuilder text, String name, Asked asked, Durations durations) {
    String program = asked.program();
    String command = asked.command();
    for (int i = 0; i < BOUNDS.length; i++) {
      text.append(
          Metrics.sample(
              name + "_bucket",
              durations.upTo[i],
              "program",
              program,
              "command",
              command,
              "le",
              Double.toString(BOUNDS[i])));
    }
    text.append(
        Metrics.sample(
            name + "_bucket",
            durations.count,
            "program",
            program,
            "command",
            command,
            "le",
            "+Inf"));
    text.append(
        Metrics.sample(name + "_sum", durations.sum, "program", program, "command", command));
    text.append(
        Metrics.sample(name + "_count", durations.count, "program", program, "command", command));
  }

  private static String runtime(Resource<WorkloadEndpointSpec> endpoint) {
    String runtime = endpoint.metadata().annotations().getOrDefault("io.calico4j/runtime", "");
    return runtime.isEmpty() ? "other" : runtime;
  }
}
