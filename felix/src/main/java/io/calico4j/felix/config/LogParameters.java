package io.calico4j.felix.config;

/**
 * How rules with the action Log write to the kernel's log.
 *
 * @param prefix what a line begins with
 * @param rate how many lines each rule writes at most, as nftables has it ({@code 10/second});
 *     empty for no limit
 * @param burst how many lines beyond the rate, 1 to 9999
 */
public record LogParameters(String prefix, String rate, int burst) {
  /** Upstream's. */
  public static final LogParameters DEFAULTS = new LogParameters("calico-packet", "", 5);
}
