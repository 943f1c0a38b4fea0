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
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Connects a sandbox to its host as Calico does: a veth pair whose host end answers for the gateway
 * 169.254.1.1 by proxy ARP, and a host route for each address. The gateway is a permanent neighbour
 * as well, because the host answers ARP for it only if it has a route to it.
 */
final class SandboxWiring {
  /** The MAC address of every host end. */
  static final MacAddress HOST_MAC = new MacAddress("ee:ee:ee:ee:ee:ee");

  private static final IpAddress GATEWAY_V4 = IpAddress.parse("169.254.1.1");

  /** The link-local address that belongs to {@link #HOST_MAC}. */
  private static final IpAddress GATEWAY_V6 = IpAddress.parse("fe80::ecee:eeff:feee:eeee");

  private static final Cidr DEFAULT_V4 = Cidr.parse("0.0.0.0/0");
  private static final Cidr DEFAULT_V6 = Cidr.parse("::/0");

  private final Kernel kernel;
  private final Netlink host;
  private final LinkReaper reaper;

  SandboxWiring(Kernel kernel, Netlink host, LinkReaper reaper) {
    this.kernel = kernel;
    this.host = host;
    this.reaper = reaper;
  }

  /** Wires a sandbox; a pair left half-done by an earlier attempt is made anew. */
  void connect(
      NetworkNamespace sandbox,
      EndpointIdentity identity,
      List<IpAddress> addresses,
      int mtu,
      boolean ipForwarding)
      throws KernelException {
    String hostName = identity.hostInterface();
    VethPair pair =
        new VethPair(
            hostName,
            HOST_MAC,
            sandbox,
            identity.interfaceName(),
            new MacAddress(identity.mac()),
            mtu);
    try {
      host.createVeth(pair);
    } catch (KernelException e) {
      if (e.errno() != KernelException.EEXIST || host.link(hostName).isEmpty()) {
        throw e;
      }
      reaper.removeNow(hostName);
      host.createVeth(pair);
    }
    Link hostLink =
        host.link(hostName)
            .orElseThrow(
                () ->
                    new KernelException(
                        "find link", hostName, KernelException.ENODEV, "it vanished"));
    boolean v6 = addresses.stream().anyMatch(a -> !a.isV4());
    kernel.setSysctls(hostSysctls(hostName, v6));
    host.setUp(hostLink.index(), true);
    connectInside(sandbox, identity, addresses, ipForwarding, v6);
    for (IpAddress address : addresses) {
      addHostRoute(address, hostLink);
    }
  }

  private void connectInside(
      NetworkNamespace sandbox,
      EndpointIdentity identity,
      List<IpAddress> addresses,
      boolean ipForwarding,
      boolean v6)
      throws KernelException {
    List<Sysctl> inside = new ArrayList<>();
    if (v6) {
      inside.add(Sysctl.of("net/ipv6/conf/all/disable_ipv6", "0"));
      inside.add(Sysctl.of("net/ipv6/conf/default/disable_ipv6", "0"));
      inside.add(Sysctl.of("net/ipv6/conf/lo/disable_ipv6", "0"));
      inside.add(Sysctl.optional(ipv6Conf(identity.interfaceName(), "accept_dad"), "0"));
      inside.add(Sysctl.of("net/ipv6/conf/all/forwarding", ipForwarding ? "1" : "0"));
    }
    inside.add(Sysctl.of("net/ipv4/ip_forward", ipForwarding ? "1" : "0"));
    kernel.setSysctls(sandbox, inside);
    try (Netlink netlink = kernel.netlink(sandbox)) {
      Link link =
          netlink
              .link(identity.interfaceName())
              .orElseThrow(
                  () ->
                      new KernelException(
                          "find link",
                          identity.interfaceName() + " in " + sandbox.name(),
                          KernelException.ENODEV,
                          "it vanished"));
      int index = link.index();
      netlink.setUp(index, true);
      for (IpAddress address : addresses) {
        netlink.addAddress(index, address.toCidr());
      }
      if (addresses.stream().anyMatch(IpAddress::isV4)) {
        netlink.replaceNeighbour(index, GATEWAY_V4, HOST_MAC);
        netlink.replaceRoute(Route.connected(GATEWAY_V4.toCidr(), index, Route.PROTOCOL_BOOT));
        netlink.replaceRoute(Route.via(DEFAULT_V4, GATEWAY_V4, index, Route.PROTOCOL_BOOT));
      }
      if (v6) {
        netlink.replaceNeighbour(index, GATEWAY_V6, HOST_MAC);
        netlink.replaceRoute(Route.via(DEFAULT_V6, GATEWAY_V6, index, Route.PROTOCOL_BOOT));
      }
    }
  }

  private void addHostRoute(IpAddress address, Link link) throws KernelException {
    Route route = Route.connected(address.toCidr(), link.index(), Route.PROTOCOL_BOOT);
    try {
      host.addRoute(route);
    } catch (KernelException e) {
      if (e.errno() != KernelException.EEXIST) {
        throw e;
      }
      Optional<Route> other =
          host.routes().stream()
              .filter(r -> r.destination().equals(route.destination()))
              .filter(r -> r.interfaceIndex() != link.index())
              .filter(r -> r.metric() == 0)
              .findFirst();
      if (other.isPresent() && isAlive(other.get().interfaceIndex())) {
        throw new KernelException(
            "add route",
            address + " on " + link.name(),
            KernelException.EEXIST,
            "it is there on interface " + other.get().interfaceIndex());
      }
      host.replaceRoute(route);
    }
  }

  private boolean isAlive(int interfaceIndex) throws KernelException {
    return host.links().stream()
        .anyMatch(l -> l.index() == interfaceIndex && l.group() != LinkReaper.GROUP);
  }

  private static List<Sysctl> hostSysctls(String name, boolean v6) {
    List<Sysctl> sysctls = new ArrayList<>();
    sysctls.add(Sysctl.of(ipv4Conf(name, "route_localnet"), "1"));
    sysctls.add(Sysctl.optional("net/ipv4/neigh/" + name + "/proxy_delay", "0"));
    sysctls.add(Sysctl.of(ipv4Conf(name, "proxy_arp"), "1"));
    sysctls.add(Sysctl.of(ipv4Conf(name, "forwarding"), "1"));
    sysctls.add(Sysctl.optional(ipv6Conf(name, "accept_ra"), "0"));
    if (v6) {
      sysctls.add(Sysctl.of(ipv6Conf(name, "disable_ipv6"), "0"));
      sysctls.add(Sysctl.optional(ipv6Conf(name, "accept_dad"), "0"));
      sysctls.add(Sysctl.of(ipv6Conf(name, "proxy_ndp"), "1"));
      sysctls.add(Sysctl.of(ipv6Conf(name, "forwarding"), "1"));
    }
    return sysctls;
  }

  private static String ipv4Conf(String name, String key) {
    return "net/ipv4/conf/" + name + "/" + key;
  }

  private static String ipv6Conf(String name, String key) {
    return "net/ipv6/conf/" + name + "/" + key;
  }
}
