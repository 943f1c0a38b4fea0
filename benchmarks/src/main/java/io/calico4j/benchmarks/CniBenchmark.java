package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.datastore.etcd.LocalEtcd;
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
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The latency of ADD and DEL as a runtime sees it, process start included: the launcher with a warm
 * agent, real etcd and policy, beside Debian's bridge and ptp plugins with host-local, in
 * alternation, for one runtime and for {@value #RUNTIMES} at once. Must run in private namespaces:
 * {@code ./bench cni}. Arguments: distribution, runs, json or table, and for a cluster that is not
 * empty {@code populated} (see {@link PopulatedCluster}).
 */
public final class CniBenchmark {
  private static final int BATCHES = 5;

  /** Calls before those that count: an agent's JVM compiles what an ADD runs during the first. */
  private static final int WARM_UP = 60;

  private static final int WARM_UP_TRANSACTIONS = 3000;
  private static final int RUNTIMES = 16;

  /** The kernel takes namespaces and links apart in the background; nobody pays for another's. */
  private static final int SETTLE_MILLIS = 80;

  private static final Path NULL = Path.of("/dev/null");
  private static final String DEBIAN_PLUGINS = "/usr/lib/cni/";
  private static final List<String> COMMANDS = List.of("ADD", "DEL");
  private static final Pattern PART = Pattern.compile("\\b([a-z]+)_us=([0-9]+)");

  private final Path distribution;
  private final Path state;
  private final int runs;
  private final int warmUp;
  private final boolean populated;
  private final Map<String, Samples> single = new TreeMap<>();
  private final Map<String, Samples> concurrent = new TreeMap<>();
  private final Map<String, Samples> parts = new LinkedHashMap<>();
  private final Samples transaction = new Samples();
  private final Samples emptyProcess = new Samples();

  private CniBenchmark(Path distribution, Path state, int runs, boolean populated) {
    this.distribution = distribution;
    this.state = state;
    this.runs = runs;
    this.populated = populated;
    warmUp = Math.min(WARM_UP, populated ? runs : WARM_UP);
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws Exception {
    CniBenchmark benchmark =
        new CniBenchmark(
            Path.of(arguments[0]),
            Files.createTempDirectory("bench"),
            Integer.parseInt(arguments[1]),
            List.of(arguments).contains("populated"));
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

  private void run() throws Exception {
    TestHost host = TestHost.here(distribution, state);
    host.startAgent();
    try (Datastore etcd =
        EtcdDatastore.connect(
            EtcdConfig.fromEnvironment(
                LocalEtcd.complete(Map.of(), host.state().resolve("lib"))))) {
      if (populated) {
        PopulatedCluster.write(etcd, host.name());
      }
      Path log = host.state().resolve("node.log");
      oneRuntime(etcd);
      readParts(Files.readAllLines(log));
      if (!populated) {
        manyRuntimes();
      }
    } finally {
      host.close();
    }
  }

  private void oneRuntime(Datastore etcd)
      throws IOException, InterruptedException, DatastoreException {
    long revision = 0;
    for (int i = 0; i < WARM_UP_TRANSACTIONS; i++) {
      revision =
          etcd.commit(Transaction.builder().update("/bench/key", "warm-" + i, revision).build());
    }
    for (int i = 0; i < warmUp + runs; i++) {
      boolean counts = i >= warmUp;
      for (Contender contender : contenders()) {
        Command.of("ip", "netns", "add", "bench").mustRun();
        for (String command : COMMANDS) {
          long took = call(contender, command, "run-" + i, "bench");
          if (counts) {
            add(single, contender.name() + " " + command, took);
          }
        }
        Command.of("ip", "netns", "del", "bench").mustRun();
        TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
      }
      long start = System.nanoTime();
      revision =
          etcd.commit(Transaction.builder().update("/bench/key", "value-" + i, revision).build());
      if (counts) {
        transaction.add(System.nanoTime() - start);
      }
      long empty = new TimedProcess(List.of("/bin/busybox", "true"), Map.of(), NULL, NULL).run();
      if (counts) {
        emptyProcess.add(empty);
      }
    }
  }

  /** Each round: as many containers as runtimes come at once, then go at once. */
  private void manyRuntimes() throws Exception {
    ExecutorService runtimes = Executors.newFixedThreadPool(RUNTIMES);
    try {
      for (int i = 0; i < RUNTIMES; i++) {
        Command.of("ip", "netns", "add", "bench-" + i).mustRun();
      }
      int rounds = Math.max(2, runs / RUNTIMES);
      for (int round = -1; round < rounds; round++) {
        for (Contender contender : contenders()) {
          for (String command : COMMANDS) {
            List<Future<Long>> calls = new ArrayList<>();
            for (int i = 0; i < RUNTIMES; i++) {
              String container = "many-" + round + "-" + i;
              String sandbox = "bench-" + i;
              calls.add(runtimes.submit(() -> call(contender, command, container, sandbox)));
            }
            for (Future<Long> call : calls) {
              long took = call.get();
              if (round >= 0) {
                add(concurrent, contender.name() + " " + command, took);
              }
            }
          }
          TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
        }
      }
      for (int i = 0; i < RUNTIMES; i++) {
        Command.of("ip", "netns", "del", "bench-" + i).mustRun();
      }
    } catch (ExecutionException e) {
      throw new IOException("a call failed", e.getCause());
    } finally {
      runtimes.shutdownNow();
    }
  }

  private static void add(Map<String, Samples> into, String name, long nanos) {
    into.computeIfAbsent(name, k -> new Samples()).add(nanos);
  }

  /** Reads where the agent says the time of the counted calls went. */
  private void readParts(List<String> lines) {
    int first = warmUp;
    for (String line : lines) {
      if (!line.contains("container=run-")) {
        continue;
      }
      int number = Integer.parseInt(line.replaceAll(".*container=run-([0-9]+).*", "$1"));
      Matcher part = PART.matcher(line);
      while (part.find() && number >= first) {
        String name =
            part.group(1).equals("took")
                ? (line.contains(" ADD ") ? "agent ADD" : "agent DEL")
                : part.group(1);
        add(parts, name, TimeUnit.MICROSECONDS.toNanos(Long.parseLong(part.group(2))));
      }
    }
  }

  private long call(Contender contender, String command, String container, String sandbox)
      throws IOException {
    Path input = state.resolve("stdin-" + sandbox);
    Path output = state.resolve("stdout-" + sandbox);
    Files.writeString(input, contender.configuration());
    Map<String, String> environment =
        Map.of(
            "CNI_COMMAND",
            command,
            "CNI_CONTAINERID",
            container,
            "CNI_NETNS",
            "/run/netns/" + sandbox,
            "CNI_IFNAME",
            "eth0",
            "CNI_PATH",
            DEBIAN_PLUGINS,
            "CALICO_PLUGIN_SOCKET",
            state.resolve("run/plugin.sock").toString());
    return new TimedProcess(List.of(contender.program()), environment, input, output).run();
  }

  private static Samples samplesOf(Map<String, Samples> samples, String name) {
    return Objects.requireNonNull(samples.get(name), name);
  }

  private static double ratio(
      Map<String, Samples> samples, String command, double rank, int from, int to) {
    double ours = samplesOf(samples, "calico " + command).slice(from, to).percentile(rank);
    double peer =
        Math.min(
            samplesOf(samples, "bridge " + command).slice(from, to).percentile(rank),
            samplesOf(samples, "ptp " + command).slice(from, to).percentile(rank));
    return Math.round(1000 * ours / peer) / 1000.0;
  }

  private static Map<String, Double> ranks() {
    Map<String, Double> ranks = new LinkedHashMap<>();
    ranks.put("p50", 0.5);
    ranks.put("p99", 0.99);
    return ranks;
  }

  private JsonObject json() {
    JsonObject ratios = new JsonObject();
    JsonObject spread = new JsonObject();
    for (String command : COMMANDS) {
      ranks()
          .forEach(
              (name, rank) -> {
                String key = command.toLowerCase(Locale.ROOT) + "_" + name;
                ratios.addProperty(key, ratio(single, command, rank, 0, runs));
                double low = Double.MAX_VALUE;
                double high = 0;
                for (int batch = 0; batch < BATCHES; batch++) {
                  double part =
                      ratio(
                          single,
                          command,
                          rank,
                          batch * runs / BATCHES,
                          (batch + 1) * runs / BATCHES);
                  low = Math.min(low, part);
                  high = Math.max(high, part);
                }
                spread.addProperty(key, low + "-" + high);
                if (!concurrent.isEmpty()) {
                  int all = samplesOf(concurrent, "calico " + command).size();
                  ratios.addProperty(
                      key + "_" + RUNTIMES, ratio(concurrent, command, rank, 0, all));
                }
              });
    }
    JsonObject milliseconds = new JsonObject();
    all()
        .forEach(
            (name, samples) ->
                ranks()
                    .forEach(
                        (rank, value) ->
                            milliseconds.addProperty(
                                name + " " + rank, samples.percentile(value))));
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", populated ? "cni --populated" : "cni");
    result.addProperty("runs", runs);
    result.add("ratio", ratios);
    result.add("spread", spread);
    result.add("milliseconds", milliseconds);
    return result;
  }

  private Map<String, Samples> all() {
    Map<String, Samples> all = new LinkedHashMap<>(single);
    concurrent.forEach((name, samples) -> all.put(name + ", " + RUNTIMES + " runtimes", samples));
    parts.forEach((name, samples) -> all.put("  of it " + name, samples));
    all.put("one key's transaction", transaction);
    all.put("an empty process", emptyProcess);
    return all;
  }

  private String table() {
    StringBuilder text = new StringBuilder("plugin, command           p50 ms    p99 ms\n");
    all()
        .forEach(
            (name, samples) ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "%-24s %8.2f  %8.2f%n",
                        name,
                        samples.percentile(0.5),
                        samples.percentile(0.99))));
    JsonObject json = json();
    text.append("ratio (calico / faster peer): ").append(json.get("ratio")).append('\n');
    text.append("spread over five batches:     ").append(json.get("spread"));
    return text.toString();
  }
}
