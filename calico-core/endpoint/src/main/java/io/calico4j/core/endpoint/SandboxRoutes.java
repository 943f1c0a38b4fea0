package io.calico4j.core.endpoint;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The addresses and routes of one interface in a sandbox. Every interface leads everywhere, so that
 * those of a second one have the destinations of the first: what is sent from its addresses must
 * still leave by it, because the host drops a source that is not the interface's. It gets a table
 * of its own for them, and routes in the main table that come after the first interface's, for
 * programs that bind to it and for when the first is gone. Which one is the first does not depend
 * on the order in which they are attached where they are numbered: a Mesos agent attaches all at
 * once.
 */
final class SandboxRoutes {
  /** Above the tables that distributions name, in a namespace that nobody else configures. */
  private static final int TABLES = 1000;

  private static final int METRICS = 2000;

  private static final Pattern FURTHER = Pattern.compile("eth[1-9][0-9]*");

  private final Netlink inside;
  private final int index;
  private final boolean further;

  SandboxRoutes(Netlink inside, int index, InterfaceName interfaceName) {
    this.inside = inside;
    this.index = index;
    further = FURTHER.matcher(interfaceName.text()).matches();
  }

  /**
   * What the interface has of one address family.
   *
   * @param addresses its own
   * @param routes those through it, of the main table
   */
  record Family(List<IpAddress> addresses, List<Route> routes) {}

  /** Gives the interface its addresses and routes; in one exchange when it is the only one. */
  void set(Family... families) throws KernelException {
    try {
      inside.together(
          changes -> {
            for (Family family : families) {
              for (IpAddress address : family.addresses()) {
                changes.addAddress(index, address.toCidr());
              }
              for (Route route : further ? List.<Route>of() : family.routes()) {
                changes.addRoute(route);
              }
            }
          });
      if (!further) {
        return;
      }
    } catch (KernelException e) {
      if (e.errno() != KernelException.EEXIST) {
        throw e;
      }
      addMissing(families);
    }
    for (Family family : families) {
      setRoutes(family.addresses(), family.routes());
    }
  }

  private void addMissing(Family... families) throws KernelException {
    List<Netlink.InterfaceAddress> present = inside.addresses();
    for (Family family : families) {
      for (IpAddress address : family.addresses()) {
        if (present.stream()
            .noneMatch(p -> p.interfaceIndex() == index && p.address().equals(address))) {
          inside.addAddress(index, address.toCidr());
        }
      }
    }
  }

  private void setRoutes(List<IpAddress> addresses, List<Route> routes) throws KernelException {
    boolean first = true;
    for (Route route : routes) {
      first &= add(route);
    }
    if (first) {
      return;
    }
    for (Route route : routes) {
      inside.replaceRoute(route, TABLES + index);
    }
    for (IpAddress address : addresses) {
      inside.addSourceRule(address, TABLES + index);
    }
  }

  /** Adds a route to the main table; false when another interface has the destination already. */
  private boolean add(Route route) throws KernelException {
    if (!further) {
      try {
        inside.addRoute(route);
        return true;
      } catch (KernelException e) {
        if (e.errno() != KernelException.EEXIST) {
          throw e;
        }
      }
    }
    boolean own =
        !further
            && inside.routes().stream()
                .anyMatch(
                    r ->
                        r.destination().equals(route.destination())
                            && r.metric() == 0
                            && r.interfaceIndex() == index);
    if (!own) {
      inside.replaceRoute(
          new Route(
              route.destination(),
              route.gateway(),
              index,
              route.type(),
              route.linkScope(),
              route.protocol(),
              METRICS + index,
              route.source()));
    }
    return own;
  }
}
