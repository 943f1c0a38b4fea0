package io.calico4j.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Durations of one kind, in nanoseconds. Not safe for several threads. */
final class Samples {
  private final List<Long> nanos = new ArrayList<>();

  void add(long duration) {
    nanos.add(duration);
  }

  void addAll(Samples other) {
    nanos.addAll(other.nanos);
  }

  int size() {
    return nanos.size();
  }

  /** Returns some of them, in the order in which they were added. */
  Samples slice(int from, int to) {
    Samples slice = new Samples();
    slice.nanos.addAll(nanos.subList(from, to));
    return slice;
  }

  /** Returns the duration in milliseconds that the share (0 to 1) of the samples does not pass. */
  double percentile(double share) {
    List<Long> sorted = new ArrayList<>(nanos);
    Collections.sort(sorted);
    int index = (int) Math.ceil(share * sorted.size()) - 1;
    return sorted.isEmpty() ? 0 : sorted.get(Math.max(0, index)) / 1e6;
  }
}
