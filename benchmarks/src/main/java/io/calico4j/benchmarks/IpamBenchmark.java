package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.testbed.CountingDatastore;
import io.calico4j.testbed.EtcdProcess;
import io.calico4j.testbed.IpamCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * Assignments and releases on a real etcd whose data are on disk, beside a compare-and-swap of a
 * single key by as many callers, in alternation: {@code ./bench ipam}. The key's value is as long
 * as a block, which is the one key that no assignment gets by without writing; for comparison also
 * one of a few bytes. Arguments: distribution (unused), operations of each kind and number of
 * callers, json or table.
 */
public final class IpamBenchmark {
  private static final int ROUNDS = 10;

  /** Of each kind: what decides must be compiled as in an agent that has run for a while. */
  private static final int WARM_UP_OPERATIONS = 5000;

  /** As long as a block of 64 addresses, half of them assigned. */
  private static final String BLOCK_SIZED = "x".repeat(3000);

  private static final String SMALL = "value-";

  private static final int HOSTS = 10;

  private final CountingDatastore datastore;
  private final List<CountingDatastore> connections = new ArrayList<>();
  private final List<Ipam> hosts = new ArrayList<>();
  private final int perRound;
  private final Map<String, Measurement> measurements = new TreeMap<>();

  /** One kind of operation by so many callers: all durations, and the rate of each round. */
  private static final class Measurement {
    final Samples samples = new Samples();
    final List<Double> rates = new ArrayList<>();
    final List<Double> medians = new ArrayList<>();
    double requests;
    double writes;
    double bytes;

    double rate() {
      List<Double> sorted = new ArrayList<>(rates);
      Collections.sort(sorted);
      return sorted.get(sorted.size() / 2);
    }
  }

  /** What is measured. */
  interface Operation {
    void run(int caller, int number) throws Exception;
  }

  private IpamBenchmark(CountingDatastore datastore, int operations) {
    this.datastore = datastore;
    connections.add(datastore);
    this.perRound = Math.max(64, operations);
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws Exception {
    Path state = Files.createTempDirectory("bench");
    try (EtcdProcess etcd = EtcdProcess.local(state);
        CountingDatastore datastore = connect(etcd)) {
      IpamBenchmark benchmark = new IpamBenchmark(datastore, Integer.parseInt(arguments[1]));
      benchmark.run(etcd);
      System.out.println(
          arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
    }
  }

  private static CountingDatastore connect(EtcdProcess etcd) {
    return new CountingDatastore(EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url()))));
  }

  private void run(EtcdProcess etcd) throws Exception {
    IpamCluster.create(datastore, HOSTS, "10.0.0.0/9", 26);
    try {
      hosts.add(Ipam.watching(datastore, new NodeName("host-0")));
      for (int callers : new int[] {1, 8, 64}) {
        compare(callers, false);
      }
      for (int i = 1; i < HOSTS; i++) {
        CountingDatastore connection = connect(etcd);
        connections.add(connection);
        hosts.add(Ipam.watching(connection, new NodeName("host-" + i)));
      }
      compare(HOSTS, true);
    } finally {
      hosts.forEach(Ipam::close);
      connections.stream().skip(1).forEach(Datastore::close);
    }
  }

  /** Runs all kinds in turn, round by round, so that noise meets all of them. */
  private void compare(int callers, boolean manyHosts) throws Exception {
    String suffix = manyHosts ? "10 hosts" : callers + (callers == 1 ? " caller" : " callers");
    Operation blockSized = new SingleKey("block", BLOCK_SIZED, callers);
    Operation small = new SingleKey("small", SMALL, callers);
    int each = Math.max(1, perRound / callers);
    try (Callers threads = new Callers(callers)) {
      int warmUp = Math.max(2, WARM_UP_OPERATIONS / (each * callers));
      for (int round = -warmUp; round < ROUNDS; round++) {
        String name = "n." + callers + "-" + (round + warmUp) + "-";
        measure("single-key txn", suffix, round, threads, each, blockSized);
        measure("single-key txn, small", suffix, round, threads, each, small);
        measure(
            "assign",
            suffix,
            round,
            threads,
            each,
            (caller, number) -> {
              var unused =
                  host(caller, manyHosts)
                      .assign(one(handle(name, caller, number)), NO_FURTHER_WRITES);
            });
        measure(
            "release",
            suffix,
            round,
            threads,
            each,
            (caller, number) -> {
              var unused = host(caller, manyHosts).release(handle(name, caller, number));
            });
      }
    }
  }

  /** A compare-and-swap of a key of each caller's own. */
  private final class SingleKey implements Operation {
    private final String key;
    private final String value;
    private final long[] revisions;

    SingleKey(String name, String value, int callers) {
      this.key = "/bench/" + name + "-" + callers + "-";
      this.value = value;
      this.revisions = new long[callers];
    }

    @Override
    public void run(int caller, int number) throws Exception {
      Transaction transaction =
          Transaction.builder().update(key + caller, value + number, revisions[caller]).build();
      revisions[caller] = datastore.commit(transaction);
    }
  }

  private static final Ipam.FurtherWrites NO_FURTHER_WRITES = Ipam.FurtherWrites.NONE;

  private Ipam host(int caller, boolean manyHosts) {
    return hosts.get(manyHosts ? caller : 0);
  }

  private static HandleId handle(String name, int caller, int number) {
    return new HandleId(name + caller + "-" + number);
  }

  private static AssignRequest one(HandleId handle) {
    return new AssignRequest(
        AssignRequest.Use.Workload,
        handle,
        1,
        0,
        List.of(),
        List.of(),
        List.of(),
        Map.of("node", "host"));
  }

  private void measure(
      String kind, String suffix, int round, Callers threads, int each, Operation operation)
      throws Exception {
    connections.forEach(CountingDatastore::reset);
    long start = System.nanoTime();
    Samples samples = threads.run(each, operation);
    double seconds = (System.nanoTime() - start) / 1e9;
    if (round < 0) {
      return;
    }
    Measurement measurement =
        measurements.computeIfAbsent(kind + ", " + suffix, k -> new Measurement());
    double count = (double) each * threads.count();
    measurement.samples.addAll(samples);
    measurement.rates.add(count / seconds);
    measurement.medians.add(samples.percentile(0.5));
    measurement.requests += sum(c -> c.requests) / count / ROUNDS;
    measurement.writes += sum(c -> c.writes) / count / ROUNDS;
    measurement.bytes += sum(c -> c.bytes) / count / ROUNDS;
  }

  private double sum(Function<CountingDatastore, LongAdder> counter) {
    return connections.stream().mapToLong(c -> counter.apply(c).sum()).sum();
  }

  /** So many threads that each do the same number of operations, at the same time. */
  private static final class Callers implements AutoCloseable {
    private final int count;
    private final ExecutorService executor;

    Callers(int count) {
      this.count = count;
      this.executor = Executors.newFixedThreadPool(count);
    }

    int count() {
      return count;
    }

    Samples run(int each, Operation operation) throws InterruptedException, IOException {
      List<Future<Samples>> running = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int caller = i;
        running.add(
            executor.submit(
                () -> {
                  Samples samples = new Samples();
                  for (int number = 0; number < each; number++) {
                    long start = System.nanoTime();
                    operation.run(caller, number);
                    samples.add(System.nanoTime() - start);
                  }
                  return samples;
                }));
      }
      Samples all = new Samples();
      for (Future<Samples> future : running) {
        try {
          all.addAll(future.get());
        } catch (ExecutionException e) {
          throw new IOException("an operation failed", e.getCause());
        }
      }
      return all;
    }

    @Override
    public void close() {
      executor.shutdownNow();
    }
  }

  private Measurement of(String name) {
    Measurement found = measurements.get(name);
    if (found == null) {
      throw new IllegalStateException("not measured: " + name);
    }
    return found;
  }

  private static double rounded(double value) {
    return Math.round(1000 * value) / 1000.0;
  }

  private static String spread(List<Double> ours, List<Double> peer) {
    double low = Double.MAX_VALUE;
    double high = 0;
    for (int i = 0; i < ours.size(); i++) {
      double ratio = ours.get(i) / peer.get(i);
      low = Math.min(low, ratio);
      high = Math.max(high, ratio);
    }
    return rounded(low) + "-" + rounded(high);
  }

  private JsonObject json() {
    JsonObject all = new JsonObject();
    measurements.forEach(
        (name, measurement) -> {
          JsonObject one = new JsonObject();
          one.addProperty("per_second", Math.round(measurement.rate()));
          one.addProperty("p50_ms", rounded(measurement.samples.percentile(0.5)));
          one.addProperty("p99_ms", rounded(measurement.samples.percentile(0.99)));
          if (!name.endsWith("hosts")) {
            one.addProperty("etcd_requests", rounded(measurement.requests));
            one.addProperty("etcd_writes", rounded(measurement.writes));
            one.addProperty("bytes", Math.round(measurement.bytes));
          }
          all.add(name, one);
        });
    JsonObject ratio = new JsonObject();
    JsonObject spread = new JsonObject();
    latency("latency_1", "single-key txn", ratio, spread);
    latency("latency_1_small", "single-key txn, small", ratio, spread);
    throughput("throughput_64", "single-key txn", ratio, spread);
    throughput("throughput_64_small", "single-key txn, small", ratio, spread);
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "ipam");
    result.addProperty("rounds", ROUNDS);
    result.addProperty("operations_per_round", perRound);
    result.add("measurements", all);
    result.add("ratio", ratio);
    result.add("spread", spread);
    return result;
  }

  private void latency(String name, String peer, JsonObject ratio, JsonObject spread) {
    Measurement assign = of("assign, 1 caller");
    Measurement bare = of(peer + ", 1 caller");
    ratio.addProperty(name, rounded(assign.samples.percentile(0.5) / bare.samples.percentile(0.5)));
    spread.addProperty(name, spread(assign.medians, bare.medians));
  }

  private void throughput(String name, String peer, JsonObject ratio, JsonObject spread) {
    Measurement assign = of("assign, 64 callers");
    Measurement bare = of(peer + ", 64 callers");
    ratio.addProperty(name, rounded(assign.rate() / bare.rate()));
    spread.addProperty(name, spread(assign.rates, bare.rates));
  }

  private String table() {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%-34s %10s %9s %9s %10s %8s %8s%n",
                "per operation",
                "1/s",
                "p50 ms",
                "p99 ms",
                "requests",
                "writes",
                "bytes"));
    measurements.forEach(
        (name, m) ->
            text.append(
                String.format(
                    Locale.ROOT,
                    "%-34s %10.0f %9.2f %9.2f %10.2f %8.2f %8.0f%n",
                    name,
                    m.rate(),
                    m.samples.percentile(0.5),
                    m.samples.percentile(0.99),
                    m.requests,
                    m.writes,
                    m.bytes)));
    JsonObject json = json();
    text.append("ratio:                             ").append(json.get("ratio")).append('\n');
    text.append("spread over the rounds:            ").append(json.get("spread"));
    return text.toString();
  }
}
