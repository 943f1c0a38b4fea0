package io.calico4j.node;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Tells from what the collector does whether the heap is large enough. A heap that is too small
 * shows as a collector that works nearly all the time and frees nearly nothing; the JVM goes on
 * like that for a long time before it runs out of memory. Not for several threads.
 */
final class HeapPressure {
  /** What there is to say. */
  enum Verdict {
    /** There is room. */
    ENOUGH,
    /** Little is free after a collection. */
    TIGHT,
    /** The process does little else than to collect. */
    TOO_SMALL
  }

  /** The share of the heap that is in use after a collection, from which on it is tight. */
  private static final double TIGHT_SHARE = 0.9;

  /** The share of the time that the collector takes, from which on nothing else gets done. */
  private static final double HOPELESS_SHARE = 0.8;

  private final long windowNanos;
  private final Deque<Sample> samples = new ArrayDeque<>();

  private record Sample(long nanos, long collectingMillis) {}

  /**
   * Makes one that has seen nothing yet.
   *
   * @param window how long the collector must take nearly all the time
   */
  HeapPressure(Duration window) {
    windowNanos = window.toNanos();
  }

  /**
   * Judges.
   *
   * @param nanos now, on a clock that never goes back
   * @param collectingMillis how long the collector has worked since the start
   * @param used bytes in use after the last full collection
   * @param max bytes that may be in use
   */
  Verdict judge(long nanos, long collectingMillis, long used, long max) {
    samples.addLast(new Sample(nanos, collectingMillis));
    Sample first = samples.getFirst();
    boolean whole = nanos - first.nanos() >= windowNanos;
    double share =
        (collectingMillis - first.collectingMillis()) * 1e6 / Math.max(1, nanos - first.nanos());
    while (samples.size() > 1 && nanos - samples.getFirst().nanos() >= windowNanos) {
      samples.removeFirst();
    }
    if (used < TIGHT_SHARE * max) {
      return Verdict.ENOUGH;
    }
    return whole && share >= HOPELESS_SHARE ? Verdict.TOO_SMALL : Verdict.TIGHT;
  }
}
