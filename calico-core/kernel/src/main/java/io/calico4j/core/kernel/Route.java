package io.calico4j.core.kernel;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * A route of the main table.
 *
 * @param destination the destination; 0.0.0.0/0 or ::/0 is the default route
 * @param gateway the next hop; null when directly connected
 * @param interfaceIndex the output interface; 0 for a blackhole
 * @param type unicast or blackhole
 * @param linkScope whether the scope is link (else global)
 * @param protocol rtm_protocol: 3 boot, 12 bird, 80 Felix
 * @param metric priority; 0 for none given
 * @param source which address the host itself sends from by this route (RTA_PREFSRC); null leaves
 *     the choice to the kernel
 */
public record Route(
    Cidr destination,
    @Nullable IpAddress gateway,
    int interfaceIndex,
    Type type,
    boolean linkScope,
    int protocol,
    int metric,
    @Nullable IpAddress source) {
  /** RTPROT_KERNEL: what the kernel has made by itself. */
  public static final int PROTOCOL_KERNEL = 2;

  /** RTPROT_BOOT, what upstream's Felix uses for routes to workloads. */
  public static final int PROTOCOL_BOOT = 3;

  /** What upstream's Felix uses for its other routes. */
  public static final int PROTOCOL_FELIX = 80;

  /** How the kernel treats packets that match. */
  public enum Type {
    /** Forwarded. */
    UNICAST,
    /** Dropped silently. */
    BLACKHOLE
  }

  /** Makes {@code destination dev interface scope link}. */
  public static Route connected(Cidr destination, int interfaceIndex, int protocol) {
    return new Route(destination, null, interfaceIndex, Type.UNICAST, true, protocol, 0, null);
  }

  /** Makes {@code destination via gateway dev interface}. */
  public static Route via(Cidr destination, IpAddress gateway, int interfaceIndex, int protocol) {
    return new Route(destination, gateway, interfaceIndex, Type.UNICAST, false, protocol, 0, null);
  }

  /** Makes {@code blackhole destination}. */
  public static Route blackhole(Cidr destination, int protocol) {
    return new Route(destination, null, 0, Type.BLACKHOLE, false, protocol, 0, null);
  }

  /** Returns the same route with another address to send from. */
  public Route withSource(@Nullable IpAddress other) {
    return new Route(
        destination, gateway, interfaceIndex, type, linkScope, protocol, metric, other);
  }
}
