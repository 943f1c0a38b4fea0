package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.core.selector.LabelIndex;
import io.calico4j.core.selector.Selector;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Selectors alone and in the label index: {@code ./bench selectors}. The classes {@link
 * WorkloadUpdate}, {@link ParentUpdate} and {@link SelectorUpdate} do the work of the benchmarks of
 * the same names in upstream's {@code felix/labelindex/named_port_bench_test.go}, with the same
 * labels and selectors, so that {@code go test -bench . ./felix/labelindex} can be run beside them.
 * Arguments: distribution (unused), milliseconds of an iteration, json or table.
 */
public class SelectorBenchmarks {
  private static final Map<String, String> LABELS = Map.of("alpha", "beta", "ipset-1", "true");

  /** Runs them all. */
  public static void main(String[] arguments) throws RunnerException {
    long millis = Math.max(50, Long.parseLong(arguments[1]));
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include("SelectorBenchmarks")
                    .mode(Mode.AverageTime)
                    .timeUnit(TimeUnit.MICROSECONDS)
                    .forks(1)
                    .warmupIterations(5)
                    .measurementIterations(8)
                    .warmupTime(TimeValue.milliseconds(millis))
                    .measurementTime(TimeValue.milliseconds(millis))
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    JsonObject json = new JsonObject();
    for (RunResult result : results) {
      String name =
          result.getPrimaryResult().getLabel()
              + new TreeMap<>(parameters(result)).toString().replace("{}", "");
      JsonObject figures = new JsonObject();
      figures.addProperty("us", result.getPrimaryResult().getScore());
      figures.addProperty("min", result.getPrimaryResult().getStatistics().getMin());
      figures.addProperty("max", result.getPrimaryResult().getStatistics().getMax());
      json.add(owner(result) + "." + name, figures);
    }
    if (arguments[2].equals("json")) {
      System.out.println(json);
    } else {
      json.entrySet()
          .forEach(
              e -> {
                JsonObject figures = e.getValue().getAsJsonObject();
                System.out.printf(
                    Locale.ROOT,
                    "%-52s %10.3f us (%.3f-%.3f)%n",
                    e.getKey(),
                    figures.get("us").getAsDouble(),
                    figures.get("min").getAsDouble(),
                    figures.get("max").getAsDouble());
              });
    }
  }

  private static String owner(RunResult result) {
    String name = result.getParams().getBenchmark();
    String type = name.substring(0, name.lastIndexOf('.'));
    return type.substring(Math.max(type.lastIndexOf('.'), type.lastIndexOf('$')) + 1);
  }

  private static Map<String, String> parameters(RunResult result) {
    Map<String, String> parameters = new TreeMap<>();
    for (String key : result.getParams().getParamsKeys()) {
      parameters.put(key, result.getParams().getParam(key));
    }
    return parameters;
  }

  /** Hears events, and does as little as possible. */
  private static final class LastEvent implements LabelIndex.Listener<Integer, Integer> {
    int unusedLast;

    @Override
    public void onMatch(Integer selector, Integer item) {
      unusedLast = item;
    }

    @Override
    public void onUnmatch(Integer selector, Integer item) {
      unusedLast = -item;
    }
  }

  private static LabelIndex<Integer, Integer> index(int selectors, int endpoints) {
    LabelIndex<Integer, Integer> index = new LabelIndex<>(new LastEvent());
    for (int i = 0; i < selectors; i++) {
      index.putSelector(i, Selector.parse("alpha == \"beta\" && has(ipset-" + i + ")"));
    }
    for (int i = 0; i < endpoints; i++) {
      index.putItem(i, LABELS, List.of("namespace-" + i));
    }
    return index;
  }

  /** A selector of three demands, evaluated. */
  @State(Scope.Thread)
  public static class Evaluation {
    private final Selector selector =
        Selector.parse("role == 'web' && tier in {'front', 'back'} && !has(legacy)");
    private final Map<String, String> matching =
        Map.of("role", "web", "tier", "back", "team", "x", "zone", "1");
    private final Map<String, String> other = Map.of("role", "db", "tier", "back");

    /** One that matches and one that does not. */
    @Benchmark
    public void evaluate(Blackhole hole) {
      hole.consume(selector.matches(matching));
      hole.consume(selector.matches(other));
    }

    /** Reading it. */
    @Benchmark
    public Object parse() {
      return Selector.parse("role == 'web' && tier in {'front', 'back'} && !has(legacy)");
    }
  }

  /** New endpoints, each matched by one of the selectors; the index stays at 10,000 endpoints. */
  @State(Scope.Thread)
  public static class WorkloadUpdate {
    @Param({"10", "100", "1000", "10000"})
    private int selectors;

    private LabelIndex<Integer, Integer> index;
    private int next;

    /** Makes an index with 10,000 endpoints. */
    @Setup(Level.Trial)
    public void fill() {
      index = index(selectors, 10_000);
      next = 10_000;
    }

    /** Adds an endpoint and removes the oldest, both with their parents. */
    @Benchmark
    public void addAndRemove() {
      index.putItem(next, LABELS, List.of("namespace-" + next));
      index.removeItem(next - 10_000);
      next++;
    }
  }

  /** A label of one endpoint changes, back and forth; with 100 endpoints and with 10,000. */
  @State(Scope.Thread)
  public static class LabelChange {
    @Param({"10", "100", "1000", "10000"})
    private int selectors;

    @Param({"100", "10000"})
    private int endpoints;

    private LabelIndex<Integer, Integer> index;
    private int next;

    /** Fills the index. */
    @Setup(Level.Trial)
    public void fill() {
      index = index(selectors, endpoints);
    }

    /** Moves an endpoint from one selector to another. */
    @Benchmark
    public void change() {
      int endpoint = next % endpoints;
      String label = next / endpoints % 2 == 0 ? "ipset-2" : "ipset-1";
      index.putItem(
          endpoint, Map.of("alpha", "beta", label, "true"), List.of("namespace-" + endpoint));
      next++;
    }
  }

  /** A profile's labels change; 100 selectors; each endpoint has a profile of its own. */
  @State(Scope.Thread)
  public static class ParentUpdate {
    @Param({"100", "1000", "10000"})
    private int endpoints;

    private LabelIndex<Integer, Integer> index;
    private int next;

    /** Fills the index. */
    @Setup(Level.Trial)
    public void fill() {
      index = index(0, endpoints);
      for (int i = 0; i < 100; i++) {
        index.putSelector(i, Selector.parse("projectcalico.org/name == \"namespace-" + i + "\""));
      }
    }

    /** Gives the next profile other labels. */
    @Benchmark
    public void update() {
      String name = "namespace-" + next % endpoints;
      index.putParent(
          name,
          Map.of(
              "projectcalico.org/name",
              name,
              "update-idx",
              Integer.toString(next),
              "something-shared",
              "foo"));
      next++;
    }
  }

  /** A profile that many endpoints share changes a label that decides; 100 selectors. */
  @State(Scope.Thread)
  public static class ProfileUpdate {
    @Param({"100", "1000"})
    private int children;

    private LabelIndex<Integer, Integer> index;
    private int next;

    /** Fills the index with 10,000 endpoints, so many of them in the profile. */
    @Setup(Level.Trial)
    public void fill() {
      index = index(100, 10_000 - children);
      for (int i = 0; i < children; i++) {
        index.putItem(100_000 + i, LABELS, List.of("shared"));
      }
      index.putSelector(1000, Selector.parse("net == 'a'"));
      index.putSelector(1001, Selector.parse("net == 'b'"));
    }

    /** All children leave one selector and come to another. */
    @Benchmark
    public void update() {
      index.putParent("shared", Map.of("net", next % 2 == 0 ? "a" : "b"));
      next++;
    }
  }

  /** Selectors come to endpoints that are there. */
  @State(Scope.Thread)
  public static class SelectorUpdate {
    @Param({"100", "1000", "10000"})
    private int endpoints;

    private LabelIndex<Integer, Integer> index;
    private Selector[] parsed;
    private int next;

    /** Fills the index. */
    @Setup(Level.Trial)
    public void fill() {
      index = index(0, endpoints);
      parsed = new Selector[10];
      for (int i = 0; i < parsed.length; i++) {
        parsed[i] = Selector.parse("alpha == \"beta\" && has(ipset-" + i + ")");
      }
    }

    /** Adds a selector and removes the one before the last ten: every tenth matches all. */
    @Benchmark
    public void addAndRemove() {
      index.putSelector(next, parsed[next % parsed.length]);
      index.removeSelector(next - parsed.length);
      next++;
    }
  }
}
