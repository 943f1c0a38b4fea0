package io.calico4j.felix.config;

import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How routes are kept.
 *
 * @param sync whether routes and tunnels are kept at all
 * @param protocol rtm_protocol of the routes to workloads, 1 to 255
 * @param removeExternal whether routes of other programs to interfaces of workloads go
 * @param source which address the host itself sends from to workloads; null leaves it to the kernel
 * @param sourceV6 likewise for IPv6
 */
public record RouteParameters(
    boolean sync,
    int protocol,
    boolean removeExternal,
    @Nullable IpAddress source,
    @Nullable IpAddress sourceV6) {
  /** Upstream's. */
  public static final RouteParameters DEFAULTS =
      new RouteParameters(true, Route.PROTOCOL_BOOT, true, null, null);

  /** Returns which address the host itself sends from to a workload's address of this family. */
  public Optional<IpAddress> source(IpFamily family) {
    return Optional.ofNullable(family == IpFamily.IPV4 ? source : sourceV6);
  }
}
