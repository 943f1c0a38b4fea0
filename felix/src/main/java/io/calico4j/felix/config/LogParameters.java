package io.calico4j.felix.config;

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
}
