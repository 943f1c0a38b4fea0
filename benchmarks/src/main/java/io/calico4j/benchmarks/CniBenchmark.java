package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.testbed.Command;
import io.calico4j.testbed.TestHost;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The latency of ADD and DEL as a runtime sees it, process start included: the launcher with a warm
 * agent, real etcd and policy, beside Debian's bridge and ptp plugins with host-local, in
 * alternation. Must run in private namespaces: {@code ./bench cni}. Arguments: distribution, runs,
 * json or table.
 */
public final class CniBenchmark {
  private static final int BATCHES = 5;
  private static final int WARM_UP = 40;

  /** The kernel takes namespaces and links apart in the background; nobody pays for another's. */
  private static final int SETTLE_MILLIS = 80;

  private static final String DEBIAN_PLUGINS = "/usr/lib/cni/";

  private final Path distribution;
  private final Path state;
  private final int runs;
  private final Map<String, List<Long>> nanos = new TreeMap<>();

  private CniBenchmark(Path distribution, Path state, int runs) {
    this.distribution = distribution;
    this.state = state;
    this.runs = runs;
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    CniBenchmark benchmark =
        new CniBenchmark(
            Path.of(arguments[0]),
            Files.createTempDirectory("bench"),
            Integer.parseInt(arguments[1]));
    benchmark.run();
    System.out.println(
        arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
  }

  private record Contender(String name, String program, String configuration) {}

  private List<Contender> contenders() {
    String ipam = "\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s\",\"subnet\":\"%s\"}}";
    String version = "{\"cniVersion\":\"0.4.0\",\"name\":\"%s\",\"type\":\"%s\",";
    return List.of(
        new Contender(
            "calico",
            distribution.resolve("bin/calico").toString(),
            version.formatted("calico", "calico") + "\"ipam\":{\"type\":\"calico-ipam\"}}"),
        new Contender(
            "bridge",
            DEBIAN_PLUGINS + "bridge",
            version.formatted("bridge", "bridge")
                + "\"bridge\":\"br-bench\","
                + ipam.formatted(state.resolve("bridge"), "10.90.0.0/16")),
        new Contender(
            "ptp",
            DEBIAN_PLUGINS + "ptp",
            version.formatted("ptp", "ptp")
                + ipam.formatted(state.resolve("ptp"), "10.91.0.0/16")));
  }

  private void run() throws IOException, InterruptedException {
    TestHost host = TestHost.here(distribution, state);
    host.startAgent();
    try {
      for (int i = 0; i < WARM_UP + runs; i++) {
        for (Contender contender : contenders()) {
          Command.of("ip", "netns", "add", "bench").mustRun();
          for (String command : new String[] {"ADD", "DEL"}) {
            long took = call(contender, command, "run-" + i);
            if (i >= WARM_UP) {
              nanos
                  .computeIfAbsent(contender.name() + " " + command, k -> new ArrayList<>())
                  .add(took);
            }
          }
          Command.of("ip", "netns", "del", "bench").mustRun();
          TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
        }
      }
    } finally {
      host.close();
    }
  }

  private long call(Contender contender, String command, String container)
      throws IOException, InterruptedException {
    Path input = state.resolve("stdin");
    Path output = state.resolve("stdout");
    Files.write(input, contender.configuration().getBytes(StandardCharsets.UTF_8));
    ProcessBuilder builder =
        new ProcessBuilder(contender.program())
            .redirectInput(input.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder
        .environment()
        .putAll(
            Map.of(
                "CNI_COMMAND",
                command,
                "CNI_CONTAINERID",
                container,
                "CNI_NETNS",
                "/run/netns/bench",
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                DEBIAN_PLUGINS,
                "CALICO_PLUGIN_SOCKET",
                state.resolve("run/plugin.sock").toString()));
    long start = System.nanoTime();
    Process process = builder.start();
    int code = process.waitFor();
    long took = System.nanoTime() - start;
    if (code != 0) {
      throw new IOException(
          contender.name() + " " + command + " failed: " + Files.readString(output));
    }
    return took;
  }

  private static double percentile(List<Long> values, double rank) {
    List<Long> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int index = (int) Math.ceil(rank * sorted.size()) - 1;
    return sorted.get(Math.max(0, index)) / 1e6;
  }

  private double ratio(String command, double rank, int from, int to) {
    double ours = percentile(nanos.get("calico " + command).subList(from, to), rank);
    double peer =
        Math.min(
            percentile(nanos.get("bridge " + command).subList(from, to), rank),
            percentile(nanos.get("ptp " + command).subList(from, to), rank));
    return Math.round(1000 * ours / peer) / 1000.0;
  }

  private JsonObject json() {
    Map<String, Double> ranks = new LinkedHashMap<>();
    ranks.put("p50", 0.5);
    ranks.put("p99", 0.99);
    JsonObject ratios = new JsonObject();
    JsonObject spread = new JsonObject();
    for (String command : new String[] {"ADD", "DEL"}) {
      ranks.forEach(
          (name, rank) -> {
            String key = command.toLowerCase(java.util.Locale.ROOT) + "_" + name;
            ratios.addProperty(key, ratio(command, rank, 0, runs));
            double low = Double.MAX_VALUE;
            double high = 0;
            for (int batch = 0; batch < BATCHES; batch++) {
              double part =
                  ratio(command, rank, batch * runs / BATCHES, (batch + 1) * runs / BATCHES);
              low = Math.min(low, part);
              high = Math.max(high, part);
            }
            spread.addProperty(key, low + "-" + high);
          });
    }
    JsonObject milliseconds = new JsonObject();
    nanos.forEach(
        (name, values) -> {
          milliseconds.addProperty(name + " p50", percentile(values, 0.5));
          milliseconds.addProperty(name + " p99", percentile(values, 0.99));
        });
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "cni");
    result.addProperty("runs", runs);
    result.add("milliseconds", milliseconds);
    result.add("ratio", ratios);
    result.add("spread", spread);
    return result;
  }

  private String table() {
    StringBuilder text = new StringBuilder("plugin, command      p50 ms    p99 ms\n");
    nanos.forEach(
        (name, values) ->
            text.append(
                String.format(
                    java.util.Locale.ROOT,
                    "%-16s  %8.2f  %8.2f%n",
                    name,
                    percentile(values, 0.5),
                    percentile(values, 0.99))));
    JsonObject json = json();
    text.append("ratio (calico / faster peer): ").append(json.get("ratio")).append('\n');
    text.append("spread over five batches:     ").append(json.get("spread"));
    return text.toString();
  }
}
