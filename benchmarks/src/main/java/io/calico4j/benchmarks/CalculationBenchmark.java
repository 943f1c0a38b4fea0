package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import com.sun.management.OperatingSystemMXBean;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.rules.RulesetManager;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What a node must enforce, calculated from a whole cluster: from the datastore's entries to the
 * calls that would change the table, without a datastore and without a kernel, on one thread. The
 * works are those of upstream's {@code felix/calc/calc_graph_bench_test.go}; Go's figures are
 * printed beside ours, but were not taken in the same run, and begin with values that are decoded
 * already: ours hold the decoding of the JSON. The heap is what is held after a collection beyond
 * what was held before, with the entries given up. Then the processor's time of one remote
 * endpoint's label change in a large cluster. {@code ./bench calculation}; arguments: distribution
 * (unused), runs, json or table.
 */
public final class CalculationBenchmark {
  /**
   * Go's figures, with the work's name there. They were handed on with the wish for this benchmark;
   * on what machine they were measured is not known here. Upstream gives others for an i9-8950HK:
   * IsolatedCustomers 0.044 s and 10 MB, 0.38 s and 48 MB, 6.9 s and 402 MB (pull request 11866 of
   * projectcalico/calico), Snapshot200Local10kTotal1000NetsetPols 0.50 s and 81 MB (before pull
   * request 10272).
   */
  private static final Map<Work, Go> GO = new LinkedHashMap<>();

  static {
    GO.put(new Work(Shape.CUSTOMERS, 1_000), new Go("IsolatedCustomers1k", 0.24, 9.6));
    GO.put(new Work(Shape.CUSTOMERS, 10_000), new Go("IsolatedCustomers10k", 2.9, 39));
    GO.put(new Work(Shape.CUSTOMERS, 100_000), new Go("IsolatedCustomers100k", 17, 318));
    GO.put(
        new Work(Shape.NETWORK_SETS, 1_000),
        new Go("Snapshot200Local10kTotal1000NetsetPols", 1.87, 99));
    GO.put(
        new Work(Shape.NETWORK_SETS, 10_000),
        new Go("Snapshot200Local10kTotal10000NetsetPols", 37.5, 792));
  }

  private static final int CHANGE_ENDPOINTS = 100_000;
  private static final int CHANGE_POLICIES = 2_000;
  private static final int CHANGES = 200;
  private static final int WARM_UP_CHANGES = 200;

  /** A remote endpoint. */
  private static final int CHANGED = CHANGE_ENDPOINTS / 2;

  private static final double MEGABYTE = 1024 * 1024;

  private final int runs;
  private final Map<Work, Figures> figures = new LinkedHashMap<>();
  private final Samples change = new Samples();
  private long revision;

  private CalculationBenchmark(int runs) {
    this.runs = Math.max(1, runs);
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) {
    CalculationBenchmark benchmark = new CalculationBenchmark(Integer.parseInt(arguments[1]));
    benchmark.run();
    System.out.println(
        arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
  }

  /** What a cluster consists of. */
  private enum Shape {
    /** See {@link CalculationCluster#customers}. */
    CUSTOMERS("customers"),
    /** See {@link CalculationCluster#networkSets}. */
    NETWORK_SETS("network-set policies");

    final String text;

    Shape(String text) {
      this.text = text;
    }
  }

  private record Work(Shape shape, int count) {
    List<Resource<?>> resources() {
      return shape == Shape.CUSTOMERS
          ? CalculationCluster.customers(count, CalculationCluster.LOCAL)
          : CalculationCluster.networkSets(count);
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%,d %s", count, shape.text);
    }
  }

  private record Go(String name, double seconds, double megabytes) {}

  /** What the runs of a work took. */
  private static final class Figures {
    final Samples seconds = new Samples();
    final Samples cpu = new Samples();
    double megabytes;
    long calls;

    double best() {
      return seconds.percentile(0) / 1e3;
    }

    double median() {
      return seconds.percentile(0.5) / 1e3;
    }

    double cpuMedian() {
      return cpu.percentile(0.5) / 1e3;
    }
  }

  private void run() {
    for (Work work : GO.keySet()) {
      System.err.println("calculation: " + work);
      Figures of = new Figures();
      figures.put(work, of);
      for (int i = 0; i < runs; i++) {
        calculate(work, of);
      }
    }
    System.err.println("calculation: a label's change");
    changeLabel();
  }

  /** Takes in a cluster and then, as upstream does, the end of its local endpoints. */
  private void calculate(Work work, Figures into) {
    double before = usedMegabytes();
    List<Entry> entries = entries(work.resources());
    Calculation calculation =
        new Calculation(CalculationCluster.LOCAL, ValidationFilter.silent(), Set.of());
    CountingTable table = new CountingTable();
    RulesetManager ruleset = new RulesetManager(table);
    System.gc(); // what making the entries has left is not the calculation's
    Clock clock = new Clock();
    put(calculation, entries);
    ruleset.accept(calculation.flush());
    clock.stop();
    entries.clear();
    into.megabytes = Math.max(into.megabytes, usedMegabytes() - before);
    into.calls = table.calls();
    if (work.shape() == Shape.NETWORK_SETS) {
      clock.goOn();
      for (String key : List.copyOf(calculation.localEndpoints().keySet())) {
        boolean unused = calculation.update(key, null);
      }
      ruleset.accept(calculation.flush());
      clock.stop();
    }
    Reference.reachabilityFence(calculation);
    Reference.reachabilityFence(ruleset);
    into.seconds.add(clock.nanos);
    into.cpu.add(clock.cpuNanos);
  }

  private List<Entry> entries(List<Resource<?>> resources) {
    List<Entry> entries = new ArrayList<>();
    for (Resource<?> resource : resources) {
      entries.add(entry(resource));
    }
    return entries;
  }

  private Entry entry(Resource<?> resource) {
    ResourceKey key = resource.key();
    return new Entry(key.path(), ResourceCodec.encode(resource), ++revision);
  }

  private static void put(Calculation calculation, List<Entry> entries) {
    for (Entry entry : entries) {
      boolean unused = calculation.update(entry.key(), entry);
    }
  }

  private void changeLabel() {
    Calculation calculation =
        new Calculation(CalculationCluster.LOCAL, ValidationFilter.silent(), Set.of());
    put(calculation, entries(CalculationCluster.applications(CHANGE_ENDPOINTS, CHANGE_POLICIES)));
    var unusedFirst = calculation.flush();
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    for (int i = -WARM_UP_CHANGES; i < CHANGES; i++) {
      Entry entry =
          entry(
              CalculationCluster.member(
                  CHANGED, (i + WARM_UP_CHANGES + CHANGED + 1) % CHANGE_POLICIES));
      long start = threads.getCurrentThreadCpuTime();
      boolean unused = calculation.update(entry.key(), entry);
      int updates = calculation.flush().size();
      long took = threads.getCurrentThreadCpuTime() - start;
      if (updates == 0) {
        throw new IllegalStateException("the label's change changes nothing");
      }
      if (i >= 0) {
        change.add(took);
      }
    }
  }

  private static double usedMegabytes() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MEGABYTE;
  }

  /** The time since it was made or went on, until it is stopped; the processor's of all threads. */
  private static final class Clock {
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private long start;
    private long cpuStart;
    long nanos;
    long cpuNanos;

    Clock() {
      goOn();
    }

    void goOn() {
      start = System.nanoTime();
      cpuStart = SYSTEM.getProcessCpuTime();
    }

    void stop() {
      nanos += System.nanoTime() - start;
      cpuNanos += SYSTEM.getProcessCpuTime() - cpuStart;
    }
  }

  private JsonObject json() {
    JsonObject works = new JsonObject();
    JsonObject ratios = new JsonObject();
    figures.forEach(
        (work, of) -> {
          Go go = Objects.requireNonNull(GO.get(work));
          JsonObject one = new JsonObject();
          one.addProperty("best_s", of.best());
          one.addProperty("median_s", of.median());
          one.addProperty("cpu_median_s", of.cpuMedian());
          one.addProperty("heap_mb", of.megabytes);
          one.addProperty("calls", of.calls);
          one.addProperty("go_s", go.seconds());
          one.addProperty("go_heap_mb", go.megabytes());
          works.add(go.name(), one);
          ratios.addProperty(go.name() + " s", round(of.median() / go.seconds()));
          ratios.addProperty(go.name() + " MB", round(of.megabytes / go.megabytes()));
        });
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "calculation");
    result.addProperty("runs", runs);
    result.add("ratio", ratios);
    result.add("works", works);
    result.addProperty("label_change_cpu_us", microseconds(0.5));
    result.addProperty("label_change_cpu_us_p99", microseconds(0.99));
    return result;
  }

  private double microseconds(double share) {
    return change.percentile(share) * 1e3;
  }

  private static double round(double value) {
    return Math.round(1000 * value) / 1000.0;
  }

  private String table() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "work                             best s  median s     CPU s       MB      Go s    Go MB");
    figures.forEach(
        (work, of) -> {
          Go go = Objects.requireNonNull(GO.get(work));
          lines.add(
              String.format(
                  Locale.ROOT,
                  "%-29s %9.2f %9.2f %9.2f %8.1f %9.2f %8.1f",
                  work,
                  of.best(),
                  of.median(),
                  of.cpuMedian(),
                  of.megabytes,
                  go.seconds(),
                  go.megabytes()));
        });
    lines.add(
        String.format(
            Locale.ROOT,
            "a remote endpoint's label change, %,d endpoints, %,d policies: %.0f us CPU (p99 %.0f)",
            CHANGE_ENDPOINTS,
            CHANGE_POLICIES,
            microseconds(0.5),
            microseconds(0.99)));
    return String.join("\n", lines);
  }
}
