package io.calico4j.felix.dataplane.route;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.TunnelLinks;
import io.calico4j.core.kernel.Vxlan;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.Tunnel;
import io.calico4j.felix.config.TunnelParameters;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes this host's ends of tunnels as they ought to be, and takes them away. */
final class TunnelDevice {
  private static final Logger log = LoggerFactory.getLogger(TunnelDevice.class);
  private static final String LOOPBACK = "lo";
  private static final int DEFAULT_MTU = 1500;

  private final Netlink netlink;
  private final TunnelLinks tunnels;

  TunnelDevice(Netlink netlink, TunnelLinks tunnels) {
    this.netlink = netlink;
    this.tunnels = tunnels;
  }

  /**
   * The interface that carries the outer packets.
   *
   * @param index 0 where the address is the loopback interface's, so that routes decide
   * @param mtu in bytes
   */
  record Parent(int index, int mtu) {}

  /** Finds the interface with a node's address; empty when none has it. */
  Optional<Parent> parent(IpAddress host) throws KernelException {
    for (Netlink.InterfaceAddress address : netlink.addresses()) {
      if (address.address().equals(host)) {
        return netlink.links().stream()
            .filter(link -> link.index() == address.interfaceIndex())
            .findFirst()
            .map(
                link ->
                    link.name().equals(LOOPBACK)
                        ? new Parent(0, DEFAULT_MTU)
                        : new Parent(link.index(), link.mtu()));
      }
    }
    return Optional.empty();
  }

  /** Makes a tunnel's device, or puts right what differs, and returns its index. */
  int put(LocalTunnelUpdate end, Parent parent, TunnelParameters parameters)
      throws KernelException {
    Tunnel tunnel = end.tunnel();
    String name = tunnel.device();
    int mtu = mtu(tunnel, parent, parameters);
    if (tunnel == Tunnel.IPIP) {
      if (netlink.link(name).isEmpty()) {
        tunnels.createIpip();
        log.info("tunnel device {} is there", name);
      }
    } else {
      putVxlan(
          new Vxlan(
              name,
              parameters.vxlanId(),
              parent.index(),
              end.host(),
              parameters.vxlanPort(),
              end.mac().orElseThrow()),
          mtu);
    }
    Link link =
        netlink
            .link(name)
            .orElseThrow(
                () ->
                    new KernelException("find link", name, KernelException.ENODEV, "it vanished"));
    if (link.mtu() != mtu) {
      tunnels.setMtu(link.index(), mtu);
    }
    if (!link.up()) {
      netlink.setUp(link.index(), true);
    }
    putAddress(link.index(), end.address());
    return link.index();
  }

  private static int mtu(Tunnel tunnel, Parent parent, TunnelParameters parameters) {
    int wanted = parameters.mtu(tunnel);
    if (wanted != 0) {
      return wanted;
    }
    int header =
        switch (tunnel) {
          case VXLAN -> 50;
          case VXLAN_V6 -> 70;
          case IPIP -> 20;
        };
    return parent.mtu() - header;
  }

  private void putVxlan(Vxlan wanted, int mtu) throws KernelException {
    Optional<Vxlan> present = tunnels.vxlan(wanted.name());
    if (present.isPresent() && present.get().equals(wanted)) {
      return;
    }
    Optional<Link> link = netlink.link(wanted.name());
    if (link.isPresent()) {
      log.warn("device {} is not as it ought to be and is made anew", wanted.name());
      netlink.deleteLink(link.get().index());
    }
    tunnels.createVxlan(wanted, mtu);
    log.info("tunnel device {} is made, VNI {}", wanted.name(), wanted.id());
  }

  private void putAddress(int index, IpAddress address) throws KernelException {
    Cidr wanted = address.toCidr();
    boolean there = false;
    for (Netlink.InterfaceAddress present : addresses(index, address)) {
      Cidr cidr = new Cidr(present.address(), present.prefix());
      if (cidr.equals(wanted)) {
        there = true;
      } else if (!isLinkLocal(present.address())) {
        tunnels.deleteAddress(index, cidr);
      }
    }
    if (!there) {
      netlink.addAddress(index, wanted);
    }
  }

  private List<Netlink.InterfaceAddress> addresses(int index, IpAddress like)
      throws KernelException {
    return netlink.addresses().stream()
        .filter(a -> a.interfaceIndex() == index && a.address().family() == like.family())
        .toList();
  }

  private static boolean isLinkLocal(IpAddress address) {
    return Cidr.parse("fe80::/10").contains(address);
  }

  /** Takes a tunnel's device away; of {@code tunl0}, which the kernel keeps, its addresses. */
  void remove(Tunnel tunnel) throws KernelException {
    Optional<Link> link = netlink.link(tunnel.device());
    if (link.isEmpty()) {
      return;
    }
    int index = link.get().index();
    if (tunnel != Tunnel.IPIP) {
      if (link.get().kind().equals("vxlan")) {
        netlink.deleteLink(index);
        log.info("tunnel device {} is not needed any more and is gone", tunnel.device());
      }
      return;
    }
    for (Netlink.InterfaceAddress address : netlink.addresses()) {
      if (address.interfaceIndex() == index) {
        tunnels.deleteAddress(index, new Cidr(address.address(), address.prefix()));
      }
    }
  }
}
