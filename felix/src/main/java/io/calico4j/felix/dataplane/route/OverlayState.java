package io.calico4j.felix.dataplane.route;

import io.calico4j.core.kernel.Neighbour;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.net.MacAddress;
import io.calico4j.felix.calculation.ClusterRoute;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import io.calico4j.felix.calculation.Tunnel;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the calculation has said of tunnels and routes, as objects of the kernel. Pure; not for
 * several threads.
 */
final class OverlayState {
  /** RTPROT_KERNEL: what the kernel adds with an address. */
  private static final int PROTOCOL_KERNEL = 2;

  private final Map<Tunnel, LocalTunnelUpdate> ends = new EnumMap<>(Tunnel.class);
  private final Map<Cidr, ClusterRoute> routes = new HashMap<>();
  private final Map<Tunnel, Map<String, VtepUpdate>> vteps = new EnumMap<>(Tunnel.class);
  private final DeltaTracker<RouteKey, Route> kernelRoutes = new DeltaTracker<>();
  private final Map<Tunnel, DeltaTracker<IpAddress, Neighbour>> neighbours =
      new EnumMap<>(Tunnel.class);
  private final Map<Tunnel, DeltaTracker<MacAddress, Neighbour>> forwarding =
      new EnumMap<>(Tunnel.class);
  private final Set<Tunnel> changedVteps = EnumSet.noneOf(Tunnel.class);
  private Devices devices = Devices.NONE;
  private final Map<IpFamily, Integer> wanted = new EnumMap<>(IpFamily.class);

  /** What identifies a route in the main table. */
  record RouteKey(Cidr destination, int metric) {
    static RouteKey of(Route route) {
      return new RouteKey(route.destination(), route.metric());
    }
  }

  /**
   * The interfaces that routes lead to, by their indexes.
   *
   * @param tunnels the tunnels' devices that are there
   * @param parents the interfaces below them; 0 where routes decide
   */
  record Devices(Map<Tunnel, Integer> tunnels, Map<Tunnel, Integer> parents) {
    static final Devices NONE = new Devices(Map.of(), Map.of());

    Devices {
      tunnels = Map.copyOf(tunnels);
      parents = Map.copyOf(parents);
    }
  }

  OverlayState() {
    for (Tunnel tunnel : List.of(Tunnel.VXLAN, Tunnel.VXLAN_V6)) {
      vteps.put(tunnel, new TreeMap<>());
      neighbours.put(tunnel, new DeltaTracker<>());
      forwarding.put(tunnel, new DeltaTracker<>());
    }
  }

  /** Returns this node's ends of tunnels. */
  Map<Tunnel, LocalTunnelUpdate> ends() {
    return ends;
  }

  DeltaTracker<RouteKey, Route> routes() {
    return kernelRoutes;
  }

  DeltaTracker<IpAddress, Neighbour> neighbours(Tunnel tunnel) {
    return tracker(neighbours, tunnel);
  }

  DeltaTracker<MacAddress, Neighbour> forwarding(Tunnel tunnel) {
    return tracker(forwarding, tunnel);
  }

  private static <K> DeltaTracker<K, Neighbour> tracker(
      Map<Tunnel, DeltaTracker<K, Neighbour>> trackers, Tunnel tunnel) {
    DeltaTracker<K, Neighbour> tracker = trackers.get(tunnel);
    if (tracker == null) {
      throw new IllegalArgumentException(tunnel + " has no other ends");
    }
    return tracker;
  }

  void putEnd(LocalTunnelUpdate end) {
    ends.put(end.tunnel(), end);
  }

  void removeEnd(Tunnel tunnel) {
    ends.remove(tunnel);
  }

  void putRoute(ClusterRoute route) {
    routes.put(route.destination(), route);
    render(route);
  }

  void removeRoute(Cidr destination) {
    routes.remove(destination);
    want(new RouteKey(destination, 0), null);
  }

  void putVtep(VtepUpdate vtep) {
    Map<String, VtepUpdate> others = vteps.get(vtep.tunnel());
    if (others != null) {
      others.put(vtep.node(), vtep);
      changedVteps.add(vtep.tunnel());
    }
  }

  void removeVtep(String node, Tunnel tunnel) {
    Map<String, VtepUpdate> others = vteps.get(tunnel);
    if (others != null && others.remove(node) != null) {
      changedVteps.add(tunnel);
    }
  }

  /** Takes over which interfaces are there: routes to others wait. */
  void putDevices(Devices found) {
    if (found.equals(devices)) {
      return;
    }
    devices = found;
    kernelRoutes.clear();
    wanted.clear();
    routes.values().forEach(this::render);
    changedVteps.addAll(vteps.keySet());
  }

  /** Brings the neighbours in step with the other ends of tunnels: before they are written. */
  void settle() {
    changedVteps.forEach(this::renderVteps);
    changedVteps.clear();
  }

  private void render(ClusterRoute route) {
    Route rendered = rendered(route);
    want(new RouteKey(route.destination(), 0), rendered);
  }

  private void want(RouteKey key, @Nullable Route route) {
    int change = (route == null ? 0 : 1) - (kernelRoutes.desired(key) == null ? 0 : 1);
    wanted.merge(key.destination().family(), change, Integer::sum);
    if (route == null) {
      kernelRoutes.remove(key);
    } else {
      kernelRoutes.put(key, route);
    }
  }

  /** Returns how many routes of each family ought to be there. */
  Map<IpFamily, Integer> wanted() {
    return Map.copyOf(wanted);
  }

  private @Nullable Route rendered(ClusterRoute route) {
    Cidr destination = route.destination();
    Integer index =
        switch (route.way()) {
          case OWN -> Integer.valueOf(0);
          case TUNNEL -> devices.tunnels().get(route.tunnel());
          case DIRECT -> devices.parents().get(route.tunnel());
        };
    if (index == null) {
      return null;
    }
    IpAddress gateway = route.gateway();
    if (gateway == null) {
      return Route.blackhole(destination, Route.PROTOCOL_FELIX);
    }
    if (!gateway.toCidr().equals(destination)) {
      return Route.via(destination, gateway, index, Route.PROTOCOL_FELIX);
    }
    // IPv6 has no scopes.
    boolean linkScope = destination.family() == IpFamily.IPV4;
    return new Route(
        destination, null, index, Route.Type.UNICAST, linkScope, Route.PROTOCOL_FELIX, 0, null);
  }

  private void renderVteps(Tunnel tunnel) {
    Integer index = devices.tunnels().get(tunnel);
    Collection<VtepUpdate> others = vteps.getOrDefault(tunnel, Map.of()).values();
    DeltaTracker<IpAddress, Neighbour> addresses = neighbours(tunnel);
    DeltaTracker<MacAddress, Neighbour> macs = forwarding(tunnel);
    addresses.clear();
    macs.clear();
    if (index != null) {
      for (VtepUpdate vtep : others) {
        addresses.put(vtep.address(), new Neighbour(index, vtep.address(), vtep.mac()));
        macs.put(vtep.mac(), new Neighbour(index, vtep.host(), vtep.mac()));
      }
    }
  }

  /** Returns the index of a tunnel's device; null when it is not there. */
  @Nullable Integer index(Tunnel tunnel) {
    return devices.tunnels().get(tunnel);
  }

  /**
   * Returns a route of the kernel as it was written: one that was given no interface has the one
   * that the kernel found for it.
   */
  Route asWritten(Route found) {
    Route written = kernelRoutes.desired(RouteKey.of(found));
    return written != null
            && written.interfaceIndex() == 0
            && found.gateway() != null
            && found.type() == written.type()
        ? new Route(
            found.destination(),
            found.gateway(),
            0,
            found.type(),
            found.linkScope(),
            found.protocol(),
            found.metric(),
            written.source())
        : found;
  }

  /** Tells whether a route in the kernel is one of these, made now or earlier. */
  boolean isOwn(Route route) {
    return route.protocol() == Route.PROTOCOL_FELIX
        || route.protocol() != PROTOCOL_KERNEL
            && devices.tunnels().containsValue(route.interfaceIndex());
  }
}
