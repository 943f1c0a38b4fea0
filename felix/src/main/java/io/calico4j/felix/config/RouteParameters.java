package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.ValueType;
import java.util.List;
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

  private static final Parameter<Boolean> ROUTE_SYNC_DISABLED =
      Parameter.of(
          "RouteSyncDisabled",
          "routeSyncDisabled",
          ValueType.flag(),
          false,
          "false",
          "true: routes, tunnels and settings of interfaces are left as they are; a plugin still"
              + " makes those of its workload");

  private static final Parameter<Integer> ROUTE_PROTOCOL =
      Parameter.of(
          "DeviceRouteProtocol",
          "deviceRouteProtocol",
          ValueType.integer("1 to 255", 1, 255),
          DEFAULTS.protocol(),
          "3 (boot)",
          "the protocol of routes to workloads");

  private static final Parameter<Boolean> REMOVE_EXTERNAL_ROUTES =
      Parameter.of(
          "RemoveExternalRoutes",
          "removeExternalRoutes",
          ValueType.flag(),
          true,
          "true",
          "routes to interfaces of workloads that no endpoint asks for go after a second; false:"
              + " only those with the protocol of DeviceRouteProtocol");

  private static final Parameter<Optional<IpAddress>> ROUTE_SOURCE =
      source("DeviceRouteSourceAddress", "deviceRouteSourceAddress", IpFamily.IPV4);

  private static final Parameter<Optional<IpAddress>> ROUTE_SOURCE_V6 =
      source("DeviceRouteSourceAddressIPv6", "deviceRouteSourceAddressIPv6", IpFamily.IPV6);

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS =
      List.of(
          ROUTE_SYNC_DISABLED,
          ROUTE_PROTOCOL,
          REMOVE_EXTERNAL_ROUTES,
          ROUTE_SOURCE,
          ROUTE_SOURCE_V6);

  /** Resolves the parameters of this group. */
  static RouteParameters resolve(List<FelixSource> sources) {
    return new RouteParameters(
        !ROUTE_SYNC_DISABLED.find(sources),
        ROUTE_PROTOCOL.find(sources),
        REMOVE_EXTERNAL_ROUTES.find(sources),
        ROUTE_SOURCE.find(sources).orElse(null),
        ROUTE_SOURCE_V6.find(sources).orElse(null));
  }

  private static Parameter<Optional<IpAddress>> source(String name, String field, IpFamily family) {
    return Parameter.of(
        name,
        field,
        ValueType.of(
            (family == IpFamily.IPV4 ? "an IPv4" : "an IPv6") + " address of the host",
            text ->
                IpAddress.tryParse(text)
                    .filter(address -> address.family() == family)
                    .map(Optional::of)),
        Optional.empty(),
        "the kernel's choice",
        "the address by which the host itself sends to workloads");
  }

  /** Returns which address the host itself sends from to a workload's address of this family. */
  public Optional<IpAddress> source(IpFamily family) {
    return Optional.ofNullable(family == IpFamily.IPV4 ? source : sourceV6);
  }
}
