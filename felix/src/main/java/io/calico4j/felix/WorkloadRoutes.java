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
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.config.RouteParameters;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts back routes to this node's workloads that another program removed, takes away those of
 * addresses that an endpoint has had no more for a second, sets their interfaces up again and puts
 * their settings right. Attaching an endpoint makes all that; this only repairs, and follows later
 * changes of floating addresses. Not for several threads.
 */
final class WorkloadRoutes {
  private static final Logger log = LoggerFactory.getLogger(WorkloadRoutes.class);

  private final Kernel kernel;
  private final LongSupplier clock;

  /** How long a route is superfluous before it goes. */
  private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Interfaces whose settings were put right: an earlier version set route_localnet. */
  private Set<String> hardened = new HashSet<>();

  /** What is superfluous, and since when. */
  private Map<Route, Long> strays = Map.of();

  private long repairs;

  /**
   * Makes one that has seen nothing yet.
   *
   * @param clock returns nanoseconds that never go back
   */
  WorkloadRoutes(Kernel kernel, LongSupplier clock) {
    this.kernel = kernel;
    this.clock = clock;
  }

  /**
   * Restores what is missing, and takes away what has been superfluous for a second: what Felix
   * knows of an endpoint may be older than the routes of one that is being attached. An interface
   * that is not there (yet, or any more) is left alone.
   *
   * @param suspicious whether the settings of an interface, by its index, may be wrong
   * @param parameters how the routes shall look
   * @return whether to look again in a second
   */
  boolean restore(
      Collection<Resource<WorkloadEndpointSpec>> endpoints,
      IntPredicate suspicious,
      RouteParameters parameters)
      throws KernelException {
    Map<Route, Long> superfluous = new HashMap<>();
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
            if (suspicious.test(link.index())) {
              restoreSettings(link.name(), endpoint.spec());
            }
            try {
              changed |=
                  restore(
                      netlink,
                      link,
                      destinations(endpoint.spec()),
                      routes.getOrDefault(link.index(), List.of()),
                      superfluous,
                      parameters);
            } catch (KernelException e) {
              if (e.errno() != KernelException.ENODEV) {
                throw e;
              }
              // It has gone since the links were read; its endpoint goes with it, or it comes back.
              changed = true;
            }
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

  /** Sets what the plugin sets ({@code endpoint.SandboxWiring}), where it is different. */
  private void restoreSettings(String name, WorkloadEndpointSpec endpoint) throws KernelException {
    List<Kernel.Sysctl> wanted = new ArrayList<>();
    wanted.add(Kernel.Sysctl.optional("net/ipv4/conf/" + name + "/proxy_arp", "1"));
    wanted.add(Kernel.Sysctl.optional("net/ipv4/conf/" + name + "/forwarding", "1"));
    if (destinations(endpoint).stream().anyMatch(d -> d.family() == IpFamily.IPV6)) {
      wanted.add(Kernel.Sysctl.optional("net/ipv6/conf/" + name + "/proxy_ndp", "1"));
      wanted.add(Kernel.Sysctl.optional("net/ipv6/conf/" + name + "/forwarding", "1"));
    }
    for (Kernel.Sysctl sysctl : wanted) {
      Optional<String> present = kernel.sysctl(sysctl.path());
      if (present.isPresent() && !present.get().equals(sysctl.value())) {
        log.warn("{} was {} and is {} again", sysctl.path(), present.get(), sysctl.value());
        repairs++;
        kernel.setSysctls(List.of(sysctl));
      }
    }
  }

  /** Returns how often something was put back that another program had changed. */
  long repairs() {
    return repairs;
  }

  private boolean restore(
      Netlink netlink,
      Link link,
      Set<Cidr> wanted,
      List<Route> routes,
      Map<Route, Long> superfluous,
      RouteParameters parameters)
      throws KernelException {
    if (!link.up()) {
      log.warn("interface {} was down and is set up again", link.name());
      repairs++;
      netlink.setUp(link.index(), true);
    }
    boolean added = false;
    for (Cidr destination : wanted) {
      Optional<Route> present =
          routes.stream().filter(r -> r.destination().equals(destination)).findAny();
      Route route =
          Route.connected(destination, link.index(), parameters.protocol())
              .withSource(parameters.source(destination.family()).orElse(null));
      if (present.isEmpty()) {
        add(netlink, route, link);
        added = true;
      } else if (present.get().protocol() != route.protocol()
          || !Objects.equals(present.get().source(), route.source())) {
        // As a plugin has made it, which knows no FelixConfiguration.
        netlink.replaceRoute(route);
      }
    }
    for (Route route : routes) {
      if (route.gateway() != null
          || route.protocol() == Route.PROTOCOL_KERNEL
          || route.protocol() != parameters.protocol() && !parameters.removeExternal()
          || wanted.contains(route.destination())) {
        continue;
      }
      long now = clock.getAsLong();
      long since = strays.getOrDefault(route, now);
      if (now - since >= GRACE_NANOS) {
        delete(netlink, route, link);
      } else {
        superfluous.put(route, since);
      }
    }
    return added;
  }

  /** Returns an endpoint's addresses, floating ones included. */
  static Set<Cidr> destinations(WorkloadEndpointSpec endpoint) {
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

  private void add(Netlink netlink, Route route, Link link) throws KernelException {
    try {
      netlink.addRoute(route);
      repairs++;
      log.warn("route {} dev {} was missing and is there again", route.destination(), link.name());
    } catch (KernelException e) {
      // Another interface has the route, or this one has just gone: not ours to decide.
      if (e.errno() != KernelException.EEXIST && e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }
}
