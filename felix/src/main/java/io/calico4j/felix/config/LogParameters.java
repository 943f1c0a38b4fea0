package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.ValueType;
import java.util.List;

/**
 * What is logged: by the process, and by rules with the action Log, which write to the kernel's
 * log.
 *
 * @param severity what the process logs
 * @param prefix what a rule's line begins with
 * @param rate how many lines each rule writes at most, as nftables has it ({@code 10/second});
 *     empty for no limit
 * @param burst how many lines beyond the rate, 1 to 9999
 */
public record LogParameters(LogSeverity severity, String prefix, String rate, int burst) {
  /** Upstream's. */
  public static final LogParameters DEFAULTS =
      new LogParameters(LogSeverity.INFO, "calico-packet", "", 5);

  private static final Parameter<String> LOG_SEVERITY =
      Parameter.of(
          "LogSeverityScreen",
          "logSeverityScreen",
          ValueType.oneOf("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"),
          "INFO",
          "INFO",
          "how severe something must be to be in calico-node's log; FATAL is as ERROR");

  private static final Parameter<String> LOG_PREFIX =
      Parameter.of(
          "LogPrefix",
          "logPrefix",
          ValueType.text("any text"),
          DEFAULTS.prefix(),
          "calico-packet",
          "prefix of Log rules in the kernel log");

  private static final Parameter<String> LOG_RATE =
      Parameter.of(
          "LogActionRateLimit",
          "logActionRateLimit",
          ValueType.matching(
              "a number of packets by second, minute, hour or day, such as 10/second",
              "[1-9][0-9]{0,3}/(second|minute|hour|day)"),
          "",
          "no limit",
          "how many lines each Log rule writes at most");

  private static final Parameter<Integer> LOG_BURST =
      Parameter.of(
          "LogActionRateLimitBurst",
          "logActionRateLimitBurst",
          ValueType.integer("1 to 9999", 1, 9999),
          DEFAULTS.burst(),
          "5",
          "how many lines beyond the rate");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS =
      List.of(LOG_SEVERITY, LOG_PREFIX, LOG_RATE, LOG_BURST);

  /** Resolves the parameters of this group. */
  static LogParameters resolve(List<FelixSource> sources) {
    return new LogParameters(
        LogSeverity.valueOf(LOG_SEVERITY.find(sources)),
        LOG_PREFIX.find(sources),
        LOG_RATE.find(sources),
        LOG_BURST.find(sources));
  }
}
