package io.calico4j.felix;

/**
 * How often something has happened, and how much it was in all.
 *
 * @param count how often
 * @param sum of seconds, or of things
 */
public record Sum(long count, double sum) {
  private static final double NANOS = 1e9;

  /** Nothing has happened. */
  static final Sum ZERO = new Sum(0, 0);

  /** Adds one that took so long, in seconds. */
  Sum plusNanos(long nanos) {
    return plus(nanos / NANOS);
  }

  /** Adds one. */
  Sum plus(double more) {
    return new Sum(count + 1, sum + more);
  }
}
