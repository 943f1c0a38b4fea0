package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.ValueType;
import java.time.Duration;
import java.util.List;

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

  private static final Parameter<String> FLOW_LOGS =
      Parameter.of(
          "FlowLogsLocalReporter",
          "flowLogsLocalReporter",
          ValueType.oneOf("Enabled", "Disabled"),
          "Disabled",
          "Disabled",
          "flows that policy denies are named in the agent's log; upstream writes to a socket");

  private static final Parameter<Duration> FLOW_LOGS_INTERVAL =
      Parameter.of(
          "FlowLogsFlushInterval",
          "flowLogsFlushInterval",
          ValueType.duration(),
          DEFAULTS.interval(),
          "10; upstream's is 300",
          "a flow that goes on being denied is named again after this time, one second at least");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS = List.of(FLOW_LOGS, FLOW_LOGS_INTERVAL);

  /** Resolves the parameters of this group. */
  static FlowLogParameters resolve(List<FelixSource> sources) {
    return new FlowLogParameters(
        FLOW_LOGS.find(sources).equals("Enabled"), FLOW_LOGS_INTERVAL.find(sources));
  }

  /** Returns the same with nothing told. */
  FlowLogParameters off() {
    return new FlowLogParameters(false, interval);
  }
}
