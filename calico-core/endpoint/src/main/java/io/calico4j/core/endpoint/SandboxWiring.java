package io.calico4j.core.endpoint;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Connects a sandbox to its host as Calico does: a veth pair whose host end answers for the gateway
 * 169.254.1.1 by proxy ARP, and a host route for each address. The gateway is a permanent neighbour
 * as well, because the host answers ARP for it only if it has a route to it.
 */
final class SandboxWiring {
  /** The MAC address of every host end. */
  static final MacAddress HOST_MAC = HostEnd.MAC;

  private static final IpAddress GATEWAY_V4 = HostEnd.GATEWAY_V4;
  private static final IpAddress GATEWAY_V6 = HostEnd.GATEWAY_V6;

  private static final Cidr DEFAULT_V4 = Cidr.parse("0.0.0.0/0");
  private static final Cidr DEFAULT_V6 = Cidr.parse("::/0");

  /** How often a request is made that meets what is being deleted. */
  private static final int ATTEMPTS = 5;

  private final Kernel kernel;
  private final Netlink host;
  private final LinkReaper reaper;
  private final EndpointStep.Observer steps;

  SandboxWiring(Kernel kernel, Netlink host, LinkReaper reaper, EndpointStep.Observer steps) {
    this.kernel = kernel;
    this.host = host;
    this.reaper = reaper;
    this.steps = steps;
  }

  /**
   * What a request asks of a pair.
   *
   * @param mtu in bytes
   * @param ipForwarding whether the sandbox may forward
   * @param mac of the sandbox's end
   * @param routes what the sandbox reaches through the gateway; empty for everything
   * @param floating addresses that the host routes to the sandbox too
   */
  record Plan(
      int mtu, boolean ipForwarding, MacAddress mac, List<Cidr> routes, List<IpAddress> floating) {
    List<Cidr> routes(boolean v4) {
      return routes.isEmpty()
          ? List.of(v4 ? DEFAULT_V4 : DEFAULT_V6)
          : routes.stream().filter(r -> r.address().isV4() == v4).toList();
    }
  }

  /**
   * Makes the pair and all that does not depend on the addresses: both ends are up, the sandbox
   * routes everything to the gateway, and nothing is routed to the sandbox. A pair left half-done
   * by an earlier attempt is made anew.
   */
  void prepare(NetworkNamespace sandbox, Netlink inside, EndpointIdentity identity, Plan plan)
      throws KernelException {
    InterfaceName hostName = identity.hostInterface();
    VethPair pair =
        new VethPair(
            hostName.text(),
            HOST_MAC,
            sandbox,
            identity.interfaceName().text(),
            plan.mac(),
            plan.mtu());
    create(pair, hostName, inside);
    steps.reached(EndpointStep.VETH_CREATED);
    kernel.setSysctls(HostEnd.sysctls(hostName));
    int index = index(inside, identity.interfaceName());
    inside.together(
        changes -> {
          changes.setUp(index, true);
          changes.replaceNeighbour(index, GATEWAY_V4, HOST_MAC);
        });
    steps.reached(EndpointStep.SANDBOX_PREPARED);
  }

  /**
   * Creates the pair. Whichever end of an earlier one holds a name, it may vanish at any moment,
   * because the reaper deletes in the background: so each refusal is looked at anew. An interface
   * in the sandbox that is not of an earlier attempt stays.
   */
  private void create(VethPair pair, InterfaceName hostName, Netlink inside)
      throws KernelException {
    for (int attempt = 1; ; attempt++) {
      try {
        host.createVeth(pair);
        return;
      } catch (KernelException e) {
        if (e.errno() != KernelException.EEXIST || attempt == ATTEMPTS) {
          throw e;
        }
        reaper.removeNow(hostName);
        reaper.finish();
        Optional<Link> left = inside.link(pair.sandboxName());
        if (left.isPresent() && !Objects.equals(left.get().mac(), pair.sandboxMac())) {
          throw e;
        }
        if (left.isPresent()) {
          LinkReaper.deleteNow(inside, left.get().index());
        }
      }
    }
  }

  /** Gives a prepared sandbox its addresses; nothing is routed to it yet. */
  void address(
      NetworkNamespace sandbox,
      Netlink inside,
      EndpointIdentity identity,
      List<IpAddress> addresses,
      Plan plan)
      throws KernelException {
    int index = index(inside, identity.interfaceName());
    if (addresses.stream().anyMatch(a -> !a.isV4())) {
      kernel.setSysctls(HostEnd.sysctlsV6(identity.hostInterface()));
      kernel.setSysctls(sandbox, sandboxSysctlsV6(identity, plan.ipForwarding()));
      inside.replaceNeighbour(index, GATEWAY_V6, HOST_MAC);
    }
    new SandboxRoutes(inside, index, identity.interfaceName())
        .set(family(addresses, index, plan, true), family(addresses, index, plan, false));
    steps.reached(EndpointStep.SANDBOX_ADDRESSED);
  }

  private static SandboxRoutes.Family family(
      List<IpAddress> addresses, int index, Plan plan, boolean v4) {
    List<IpAddress> own = addresses.stream().filter(a -> a.isV4() == v4).toList();
    IpAddress gateway = v4 ? GATEWAY_V4 : GATEWAY_V6;
    Stream<Route> toGateway =
        v4 ? Stream.of(Route.connected(gateway.toCidr(), index, Route.PROTOCOL_BOOT)) : Stream.of();
    List<Route> routes =
        own.isEmpty()
            ? List.of()
            : Stream.concat(
                    toGateway,
                    plan.routes(v4).stream()
                        .map(r -> Route.via(r, gateway, index, Route.PROTOCOL_BOOT)))
                .toList();
    return new SandboxRoutes.Family(own, routes);
  }

  /** Routes the addresses to their sandbox. */
  void route(EndpointIdentity identity, List<IpAddress> addresses, Plan plan)
      throws KernelException {
    int hostIndex = index(host, identity.hostInterface());
    for (IpAddress address : addresses) {
      addHostRoute(address, hostIndex, identity.hostInterface());
    }
    for (IpAddress address : plan.floating()) {
      addHostRoute(address, hostIndex, identity.hostInterface());
    }
    steps.reached(EndpointStep.ROUTED);
  }

  private static int index(Netlink netlink, InterfaceName name) throws KernelException {
    return netlink
        .index(name.text())
        .orElseThrow(
            () ->
                new KernelException(
                    "find link", name.text(), KernelException.ENODEV, "it vanished"));
  }

  /**
   * Adds a host route. One that is there already is replaced, unless it leads to another link that
   * stays: routes and links are read one after the other, so that a conflict must still be there
   * after all pending deletions.
   */
  private void addHostRoute(IpAddress address, int index, InterfaceName name)
      throws KernelException {
    Route route = Route.connected(address.toCidr(), index, Route.PROTOCOL_BOOT);
    for (int attempt = 1; ; attempt++) {
      try {
        host.addRoute(route);
        return;
      } catch (KernelException e) {
        if (e.errno() != KernelException.EEXIST) {
          throw e;
        }
      }
      Optional<Link> other = otherUser(route);
      if (other.isEmpty()) {
        host.replaceRoute(route);
        return;
      }
      if (attempt == ATTEMPTS) {
        throw new KernelException(
            "add route",
            address + " on " + name,
            KernelException.EEXIST,
            "it is there on interface " + other.get().name());
      }
      reaper.finish();
    }
  }

  /** Finds the link, not one that is being deleted, to which another route to the same leads. */
  private Optional<Link> otherUser(Route route) throws KernelException {
    Set<Integer> others =
        host.routes().stream()
            .filter(r -> r.destination().equals(route.destination()))
            .filter(r -> r.metric() == 0)
            .map(Route::interfaceIndex)
            .filter(i -> i != route.interfaceIndex())
            .collect(Collectors.toSet());
    if (others.isEmpty()) {
      return Optional.empty();
    }
    return host.links().stream()
        .filter(l -> others.contains(l.index()) && l.group() != LinkReaper.GROUP)
        .findFirst();
  }

  /** What a sandbox must be told before its end of the pair comes up. */
  static List<Sysctl> sandboxSysctls(Plan plan) {
    return List.of(Sysctl.of("net/ipv4/ip_forward", plan.ipForwarding() ? "1" : "0"));
  }

  private static List<Sysctl> sandboxSysctlsV6(EndpointIdentity identity, boolean ipForwarding) {
    return List.of(
        Sysctl.of("net/ipv6/conf/all/disable_ipv6", "0"),
        Sysctl.of("net/ipv6/conf/default/disable_ipv6", "0"),
        Sysctl.of("net/ipv6/conf/lo/disable_ipv6", "0"),
        Sysctl.optional(ipv6Conf(identity.interfaceName(), "accept_dad"), "0"),
        Sysctl.of("net/ipv6/conf/all/forwarding", ipForwarding ? "1" : "0"));
  }

  private static String ipv6Conf(InterfaceName name, String key) {
    return "net/ipv6/conf/" + name + "/" + key;
  }
}
