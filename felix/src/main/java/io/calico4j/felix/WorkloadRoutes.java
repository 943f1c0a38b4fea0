package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts back routes to this node's workloads that another program removed, takes away those of
 * addresses that an endpoint has had no more at two looks, and sets their interfaces up again.
 * Attaching an endpoint makes its routes; this only repairs, and follows later changes of floating
 * addresses.
 */
final class WorkloadRoutes {
  private static final Logger log = LoggerFactory.getLogger(WorkloadRoutes.class);

  private final Kernel kernel;

  /** Interfaces whose settings were put right: an earlier version set route_localnet. */
  private Set<String> hardened = new HashSet<>();

  /** What was superfluous at the last look. */
  private Set<Route> strays = Set.of();

  WorkloadRoutes(Kernel kernel) {
    this.kernel = kernel;
  }

  /**
   * Restores what is missing, and takes away what was superfluous at the last look too: what Felix
   * knows of an endpoint may be older than the routes of one that is being attached. An interface
   * that is not there (yet, or any more) is left alone.
   *
   * @return whether to look again soon
   */
  boolean restore(Collection<Resource<WorkloadEndpointSpec>> endpoints) throws KernelException {
    Set<Route> superfluous = new HashSet<>();
    boolean changed = false;
    if (!endpoints.isEmpty()) {
      try (Netlink netlink = kernel.netlink()) {
        Map<String, Link> links = new HashMap<>();
        netlink.links().forEach(link -> links.put(link.name(), link));
        hardened.retainAll(links.keySet());
        Map<Integer, List<Route>> routes =
            netlink.routes().stream().collect(Collectors.groupingBy(Route::interfaceIndex));
        for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
          Link link = links.get(String.valueOf(endpoint.spec().interfaceName()));
          if (link != null && link.group() == 0) {
            harden(link.name());
            changed |=
                restore(
                    netlink,
                    link,
                    destinations(endpoint.spec()),
                    routes.getOrDefault(link.index(), List.of()),
                    superfluous);
          }
        }
      }
    }
    strays = superfluous;
    return changed || !superfluous.isEmpty();
  }

  /** Lets no packet for 127.0.0.0/8 in by the interface, whatever version made it. */
  private void harden(String name) throws KernelException {
    if (hardened.add(name)) {
      kernel.setSysctls(
          List.of(Kernel.Sysctl.optional("net/ipv4/conf/" + name + "/route_localnet", "0")));
    }
  }

  private boolean restore(
      Netlink netlink, Link link, Set<Cidr> wanted, List<Route> routes, Set<Route> superfluous)
      throws KernelException {
    if (!link.up()) {
      log.warn("interface {} was down and is set up again", link.name());
      netlink.setUp(link.index(), true);
    }
    boolean added = false;
    for (Cidr destination : wanted) {
      if (routes.stream().noneMatch(r -> r.destination().equals(destination))) {
        add(netlink, Route.connected(destination, link.index(), Route.PROTOCOL_BOOT), link);
        added = true;
      }
    }
    for (Route route : routes) {
      if (route.gateway() != null
          || route.protocol() != Route.PROTOCOL_BOOT
          || !route.destination().isSingle()
          || wanted.contains(route.destination())) {
        continue;
      }
      if (strays.contains(route)) {
        delete(netlink, route, link);
      } else {
        superfluous.add(route);
      }
    }
    return added;
  }

  /** Returns an endpoint's addresses, floating ones included. */
  private static Set<Cidr> destinations(WorkloadEndpointSpec endpoint) {
    Set<Cidr> destinations = new TreeSet<>();
    endpoint.ipNetworks().forEach(network -> destinations.add(Cidr.parse(network)));
    for (WorkloadEndpointSpec.IpNat nat : endpoint.ipNATs()) {
      IpAddress.tryParse(String.valueOf(nat.externalIP()))
          .ifPresent(address -> destinations.add(address.toCidr()));
    }
    return destinations;
  }

  private static void delete(Netlink netlink, Route route, Link link) throws KernelException {
    try {
      netlink.deleteRoute(route);
      log.warn(
          "route {} dev {} belongs to no address and is gone", route.destination(), link.name());
    } catch (KernelException e) {
      if (e.errno() != KernelException.ESRCH && e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }

  private static void add(Netlink netlink, Route route, Link link) throws KernelException {
    try {
      netlink.addRoute(route);
      log.warn("route {} dev {} was missing and is there again", route.destination(), link.name());
    } catch (KernelException e) {
      // Another interface has the route, or this one has just gone: not ours to decide.
      if (e.errno() != KernelException.EEXIST && e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }
}
