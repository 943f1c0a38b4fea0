package io.calico4j.felix.config;

/**
 * How traffic is masqueraded that leaves the pools with {@code natOutgoing}.
 *
 * @param portRange the source ports that TCP and UDP get, as {@code 1024-65535}; empty for any
 * @param address the IPv4 address that it gets; empty for that of the interface it leaves by
 * @param excludesHosts whether traffic to the cluster's nodes is not masqueraded
 * @param interfaceFilter the interface it leaves by, {@code +} at the end for any rest; empty for
 *     all
 */
public record NatOutgoing(
    String portRange, String address, boolean excludesHosts, String interfaceFilter) {
  /** Upstream's. */
  public static final NatOutgoing DEFAULTS = new NatOutgoing("", "", false, "");
}
