package io.calico4j.felix.dataplane.route;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Neighbour;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.TunnelLinks;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import io.calico4j.felix.calculation.Tunnel;
import io.calico4j.felix.config.TunnelParameters;
import io.calico4j.felix.dataplane.route.OverlayState.Devices;
import io.calico4j.felix.dataplane.route.OverlayState.RouteKey;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps tunnels, their other ends and the routes through them in the kernel. Only what differs is
 * written: routes that must go first, then ends of tunnels, then new routes. Not for several
 * threads.
 */
public final class OverlayDataplane implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OverlayDataplane.class);

  private final Netlink netlink;
  private final TunnelLinks links;
  private final TunnelDevice device;
  private final OverlayState state = new OverlayState();
  private TunnelParameters parameters = TunnelParameters.DEFAULTS;

  /** Whether what is in the kernel must be read before something is written. */
  private boolean stale = true;

  /** What is wrong, in the order in which it was found; and what was said of it. */
  private final Set<String> problems = new LinkedHashSet<>();

  private Set<String> said = Set.of();
  private long repairs;

  /** Opens sockets; nothing is read or written yet. */
  public OverlayDataplane(Kernel kernel) throws KernelException {
    netlink = kernel.netlink();
    try {
      links = kernel.tunnelLinks();
    } catch (KernelException e) {
      netlink.close();
      throw e;
    }
    device = new TunnelDevice(netlink, links);
  }

  /** Takes over the parameters. */
  public void configure(TunnelParameters changed) {
    stale |= !changed.equals(parameters);
    parameters = changed;
  }

  /** Takes over what the calculation says. */
  public void accept(List<DataplaneUpdate> updates) {
    for (DataplaneUpdate update : updates) {
      if (update instanceof RouteUpdate route) {
        state.putRoute(route.route());
      } else if (update instanceof RouteRemoved route) {
        state.removeRoute(route.destination());
      } else if (update instanceof VtepUpdate vtep) {
        state.putVtep(vtep);
      } else if (update instanceof VtepRemoved vtep) {
        state.removeVtep(vtep.node(), vtep.tunnel());
      } else if (update instanceof LocalTunnelUpdate end) {
        state.putEnd(end);
        stale = true;
      } else if (update instanceof LocalTunnelRemoved end) {
        state.removeEnd(end.tunnel());
        stale = true;
      }
    }
  }

  /** Tells whether an update is of concern here. */
  public static boolean concerns(DataplaneUpdate update) {
    return update instanceof RouteUpdate
        || update instanceof RouteRemoved
        || update instanceof VtepUpdate
        || update instanceof VtepRemoved
        || update instanceof LocalTunnelUpdate
        || update instanceof LocalTunnelRemoved;
  }

  /** Has the kernel read at the next {@link #apply}: something there may have changed. */
  public void invalidate() {
    stale |= isInUse();
  }

  /** Tells whether there is a tunnel or a route to look after. */
  public boolean isInUse() {
    return !state.ends().isEmpty() || !state.routes().isEmpty();
  }

  /** Returns how many routes of each family there ought to be. */
  public Map<IpFamily, Integer> routes() {
    return state.wanted();
  }

  /** Returns how many entries another program had changed, and that were put back. */
  public long repairs() {
    return repairs;
  }

  /** Writes what differs. What the kernel refuses is named, and tried again at the next call. */
  public void apply() {
    problems.clear();
    boolean reading = stale;
    if (reading) {
      stale = false;
      try {
        putDevices();
        readBack();
      } catch (KernelException e) {
        stale = true;
        problems.add("tunnels and routes are not known now: " + e.getMessage());
        report();
        return;
      }
    }
    state.settle();
    note(state.routes().delete(this::deleteRoute));
    for (Tunnel tunnel : List.of(Tunnel.VXLAN, Tunnel.VXLAN_V6)) {
      note(state.forwarding(tunnel).delete(links::deleteForwarding));
      note(state.neighbours(tunnel).delete(links::deleteNeighbour));
      note(state.neighbours(tunnel).write(links::replaceNeighbour));
      note(state.forwarding(tunnel).write(links::replaceForwarding));
    }
    note(state.routes().write(netlink::replaceRoute));
    // What failed may have failed because another program changed what was read.
    stale |= !problems.isEmpty();
    report();
  }

  private void putDevices() {
    Map<Tunnel, Integer> indexes = new EnumMap<>(Tunnel.class);
    Map<Tunnel, Integer> parents = new EnumMap<>(Tunnel.class);
    for (Tunnel tunnel : Tunnel.values()) {
      LocalTunnelUpdate end = state.ends().get(tunnel);
      try {
        if (end == null || !parameters.allows(tunnel)) {
          device.remove(tunnel);
          continue;
        }
        Optional<TunnelDevice.Parent> parent = device.parent(end.host());
        if (parent.isEmpty()) {
          problems.add(
              tunnel.device()
                  + " is not there: no interface has this node's address "
                  + end.host());
          continue;
        }
        parents.put(tunnel, parent.get().index());
        indexes.put(tunnel, device.put(end, parent.get(), parameters));
      } catch (KernelException e) {
        problems.add(
            e.errno() == KernelException.EOPNOTSUPP
                ? "this kernel has no "
                    + (tunnel == Tunnel.IPIP ? "IP in IP (module ipip)" : "VXLAN (module vxlan)")
                    + ": addresses of other nodes in such pools are not reached"
                : tunnel.device() + " is not as it ought to be: " + e.getMessage());
      }
    }
    state.putDevices(new Devices(indexes, parents));
  }

  private void readBack() throws KernelException {
    Map<RouteKey, Route> routes = new HashMap<>();
    for (Route route : netlink.routes()) {
      if (state.isOwn(route)) {
        routes.put(RouteKey.of(route), state.asWritten(route));
      }
    }
    repairs += state.routes().readBack(routes);
    for (Tunnel tunnel : List.of(Tunnel.VXLAN, Tunnel.VXLAN_V6)) {
      Integer index = state.index(tunnel);
      repairs +=
          state.neighbours(tunnel).readBack(read(index, links::neighbours, Neighbour::address));
      repairs += state.forwarding(tunnel).readBack(read(index, links::forwarding, Neighbour::mac));
    }
  }

  private interface Listing {
    List<Neighbour> of(int interfaceIndex) throws KernelException;
  }

  private static <K> Map<K, Neighbour> read(
      @Nullable Integer index, Listing listing, Function<Neighbour, K> key) throws KernelException {
    Map<K, Neighbour> found = new HashMap<>();
    if (index != null) {
      listing.of(index).forEach(entry -> found.put(key.apply(entry), entry));
    }
    return found;
  }

  private void deleteRoute(Route route) throws KernelException {
    try {
      netlink.deleteRoute(route);
    } catch (KernelException e) {
      if (e.errno() != KernelException.ESRCH && e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }

  private void note(@Nullable KernelException failure) {
    if (failure != null) {
      problems.add(String.valueOf(failure.getMessage()));
    }
  }

  private void report() {
    for (String problem : problems) {
      if (!said.contains(problem)) {
        log.error("{}; will try again", problem);
      }
    }
    said = Set.copyOf(problems);
  }

  /** Says what ought to be in the kernel and is not; empty when all is. */
  public Optional<String> problem() {
    return problems.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", problems));
  }

  /** Leaves tunnels and routes as they are. */
  @Override
  public void close() {
    links.close();
    netlink.close();
  }
}
