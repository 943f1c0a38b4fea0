package io.calico4j.core.endpoint;

/**
 * Where the time of an attach went, in microseconds. The pair is made while the transaction is
 * under way, so that the parts may be more than the whole.
 *
 * @param checks looking at the sandbox and the cluster's state
 * @param register the decision, the datastore's transaction and the pair
 * @param pair looking at the sandbox, making the pair, and the sandbox's addresses and routes
 * @param address the host's routes to the addresses
 * @param policy waiting for the rules after everything else was done
 */
public record AttachTimings(long checks, long register, long pair, long address, long policy) {
  /** Prints it for a log line. */
  @Override
  public String toString() {
    return "checks_us="
        + checks
        + " register_us="
        + register
        + " pair_us="
        + pair
        + " address_us="
        + address
        + " policy_us="
        + policy;
  }

  /** Collects the times of one attach; the pair's may come from another thread. */
  static final class Clock {
    private final long[] micros = new long[Part.values().length];
    private long last = System.nanoTime();

    enum Part {
      CHECKS,
      REGISTER,
      PAIR,
      ADDRESS,
      POLICY
    }

    /** Ends a part that began when the one before ended. */
    void end(Part part) {
      long now = System.nanoTime();
      micros[part.ordinal()] += (now - last) / 1000;
      last = now;
    }

    void set(Part part, long nanos) {
      micros[part.ordinal()] = nanos / 1000;
    }

    AttachTimings read() {
      return new AttachTimings(micros[0], micros[1], micros[2], micros[3], micros[4]);
    }
  }
}
