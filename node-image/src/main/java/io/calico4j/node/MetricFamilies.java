package io.calico4j.node;

import io.calico4j.felix.Sum;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot.SummaryDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.UnknownSnapshot;
import io.prometheus.metrics.model.snapshots.UnknownSnapshot.UnknownDataPointSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the metrics of a scrape. Labels are given as names and values by turns. */
final class MetricFamilies {
  private final List<Family> families = new ArrayList<>();

  private enum Type {
    GAUGE,
    TOTAL,
    UNTYPED
  }

  private abstract static class Family {
    abstract void addTo(MetricSnapshots.Builder all);
  }

  /** A metric with a value for each combination of labels. */
  static final class Values extends Family {
    private final String name;
    private final String help;
    private final Type type;
    private final Map<Labels, Double> values = new LinkedHashMap<>();

    private Values(String name, String help, Type type) {
      this.name = name;
      this.help = help;
      this.type = type;
    }

    /** Puts a value. */
    Values put(double value, String... labels) {
      values.put(Labels.of(labels), value);
      return this;
    }

    /** Puts a value for each value of a label. */
    Values putAll(String label, Map<String, ? extends Number> byValue) {
      byValue.forEach((value, number) -> values.put(Labels.of(label, value), number.doubleValue()));
      return this;
    }

    @Override
    void addTo(MetricSnapshots.Builder all) {
      switch (type) {
        case GAUGE -> {
          GaugeSnapshot.Builder snapshot = GaugeSnapshot.builder().name(name).help(help);
          values.forEach(
              (labels, value) ->
                  snapshot.dataPoint(
                      GaugeDataPointSnapshot.builder().labels(labels).value(value).build()));
          all.metricSnapshot(snapshot.build());
        }
        case TOTAL -> {
          CounterSnapshot.Builder snapshot = CounterSnapshot.builder().name(name).help(help);
          values.forEach(
              (labels, value) ->
                  snapshot.dataPoint(
                      CounterDataPointSnapshot.builder().labels(labels).value(value).build()));
          all.metricSnapshot(snapshot.build());
        }
        case UNTYPED -> {
          UnknownSnapshot.Builder snapshot = UnknownSnapshot.builder().name(name).help(help);
          values.forEach(
              (labels, value) ->
                  snapshot.dataPoint(
                      UnknownDataPointSnapshot.builder().labels(labels).value(value).build()));
          all.metricSnapshot(snapshot.build());
        }
      }
    }
  }

  /** A metric that has been observed so often. */
  static final class Observed extends Family {
    private final String name;
    private final String help;
    private Sum sum = new Sum(0, 0);

    private Observed(String name, String help) {
      this.name = name;
      this.help = help;
    }

    /** Puts what has been observed. */
    void put(Sum observed) {
      sum = observed;
    }

    @Override
    void addTo(MetricSnapshots.Builder all) {
      all.metricSnapshot(
          SummarySnapshot.builder()
              .name(name)
              .help(help)
              .dataPoint(
                  SummaryDataPointSnapshot.builder().count(sum.count()).sum(sum.sum()).build())
              .build());
    }
  }

  private <T extends Family> T add(T family) {
    families.add(family);
    return family;
  }

  /** Adds a gauge. */
  Values gauge(String name, String help) {
    return add(new Values(name, help, Type.GAUGE));
  }

  /**
   * Adds a counter under exactly this name: it is exported without a type, because the client ends
   * the names of counters with {@code _total}, which upstream's do not.
   */
  Values counter(String name, String help) {
    return add(new Values(name, help, Type.UNTYPED));
  }

  /** Adds a counter whose name is exported with {@code _total} at its end. */
  Values total(String name, String help) {
    return add(new Values(name, help, Type.TOTAL));
  }

  /** Adds a summary without quantiles, as upstream's. */
  Observed summary(String name, String help) {
    return add(new Observed(name, help));
  }

  /** Returns all that has been added. */
  MetricSnapshots build() {
    MetricSnapshots.Builder all = MetricSnapshots.builder();
    families.forEach(family -> family.addTo(all));
    return all.build();
  }
}
