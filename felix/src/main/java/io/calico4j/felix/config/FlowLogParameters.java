package io.calico4j.felix.config;

import java.time.Duration;

/**
 * What is told of packets that policy denies.
 *
 * @param enabled whether denied flows are named in the log
 * @param interval a flow that goes on being denied is named again after this time
 */
public record FlowLogParameters(boolean enabled, Duration interval) {
  /** Nothing is told. */
  public static final FlowLogParameters DEFAULTS =
      new FlowLogParameters(false, Duration.ofSeconds(10));

  /** Returns the same with nothing told. */
  FlowLogParameters off() {
    return new FlowLogParameters(false, interval);
  }
}
