package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.testbed.Command;
import io.calico4j.testbed.TestHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * ADD and DEL where no agent listens: the launcher becomes a JVM of its own, with the class-data
 * archive of the installation and without one, in alternation. Must run in private namespaces:
 * {@code ./bench cold}. Arguments: distribution, runs, json or table.
 */
public final class ColdBenchmark {
  private static final int WARM_UP = 2;
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"calico\",\"type\":\"calico\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  private final Path distribution;
  private final Path state;
  private final int runs;
  private final Map<String, Samples> samples = new LinkedHashMap<>();

  private ColdBenchmark(Path distribution, Path state, int runs) {
    this.distribution = distribution;
    this.state = state;
    this.runs = runs;
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    ColdBenchmark benchmark =
        new ColdBenchmark(
            Path.of(arguments[0]),
            Files.createTempDirectory("bench"),
            Math.min(50, Integer.parseInt(arguments[1])));
    benchmark.run();
    System.out.println(
        arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
  }

  private void run() throws IOException, InterruptedException {
    TestHost host = TestHost.here(distribution, state);
    host.startAgent();
    host.killAgent();
    try {
      Command.of("ip", "netns", "add", "bench").mustRun();
      for (int i = 0; i < WARM_UP + runs; i++) {
        for (boolean archive : new boolean[] {true, false}) {
          for (String command : List.of("ADD", "DEL")) {
            long took = call(command, "cold-" + i, archive);
            if (i >= WARM_UP) {
              samples
                  .computeIfAbsent(
                      command + (archive ? " with" : " without") + " archive", k -> new Samples())
                  .add(took);
            }
          }
        }
      }
    } finally {
      host.close();
    }
  }

  private long call(String command, String container, boolean archive)
      throws IOException, InterruptedException {
    Path input = state.resolve("stdin");
    Path output = state.resolve("stdout");
    Files.writeString(input, CONFIGURATION);
    ProcessBuilder builder =
        new ProcessBuilder(distribution.resolve("bin/calico").toString())
            .redirectInput(input.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    Map<String, String> environment = builder.environment();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", container);
    environment.put("CNI_NETNS", "/run/netns/bench");
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_PATH", distribution.resolve("bin").toString());
    environment.put("CALICO_PLUGIN_SOCKET", state.resolve("no.sock").toString());
    environment.put("CALICO_LIB_DIR", state.resolve("lib").toString());
    if (!archive) {
      environment.put("CALICO_CNI_JAVA_OPTIONS", "-Xshare:off");
    }
    long start = System.nanoTime();
    int code = builder.start().waitFor();
    long took = System.nanoTime() - start;
    if (code != 0) {
      throw new IOException(command + " failed: " + Files.readString(output));
    }
    return took;
  }

  private JsonObject json() {
    JsonObject milliseconds = new JsonObject();
    samples.forEach(
        (name, of) -> {
          milliseconds.addProperty(name + " p50", of.percentile(0.5));
          milliseconds.addProperty(name + " p99", of.percentile(0.99));
        });
    JsonObject ratio = new JsonObject();
    ratio.addProperty(
        "add_archive",
        Math.round(
                1000
                    * Objects.requireNonNull(samples.get("ADD with archive")).percentile(0.5)
                    / Objects.requireNonNull(samples.get("ADD without archive")).percentile(0.5))
            / 1000.0);
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "cold");
    result.addProperty("runs", runs);
    result.add("milliseconds", milliseconds);
    result.add("ratio", ratio);
    return result;
  }

  private String table() {
    List<String> lines = new ArrayList<>(List.of("no agent               p50 ms    p99 ms"));
    samples.forEach(
        (name, of) ->
            lines.add(
                String.format(
                    Locale.ROOT,
                    "%-20s %8.0f  %8.0f",
                    name,
                    of.percentile(0.5),
                    of.percentile(0.99))));
    lines.add("ratio (with / without): " + json().get("ratio"));
    return String.join("\n", lines);
  }
}
