package io.calico4j.libnetwork;

import io.calico4j.core.endpoint.HostEnd;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Makes veth pairs both ends of which are on the host: Docker moves one end into the container. A
 * pair is made shut, its host end down and in a group of its own, which Felix leaves alone; it is
 * opened when the rules of its endpoint are in the kernel.
 */
final class PairWiring implements Pairs, AutoCloseable {
  /** The group of host ends that are shut: a number that no other program on the host uses. */
  static final int SHUT = 0xca11c1;

  private static final Path OWN = Path.of("/proc/self/ns/net");

  private final Kernel kernel;
  private final Netlink host;

  PairWiring(Kernel kernel) throws KernelException {
    this.kernel = kernel;
    host = kernel.netlink();
  }

  @Override
  public void make(EndpointId id, MacAddress mac, int mtu, boolean ipv6) throws KernelException {
    Optional<Link> present = host.link(id.hostInterface().text());
    Optional<Link> moved = host.link(id.movedInterface().text());
    if (present.isPresent()
        && moved.isPresent()
        && moved.get().mtu() == mtu
        && Objects.equals(moved.get().mac(), mac)) {
      shut(present.get().index());
    } else {
      remove(id);
      try (NetworkNamespace own = kernel.openNamespace(OWN)) {
        host.createVeth(
            new VethPair(
                id.hostInterface().text(), HostEnd.MAC, own, id.movedInterface().text(), mac, mtu));
      }
      shut(index(id));
    }
    kernel.setSysctls(HostEnd.sysctls(id.hostInterface()));
    if (ipv6) {
      kernel.setSysctls(HostEnd.sysctlsV6(id.hostInterface()));
    }
  }

  private void shut(int index) throws KernelException {
    host.setGroup(index, SHUT);
    host.setUp(index, false);
  }

  private int index(EndpointId id) throws KernelException {
    return host.index(id.hostInterface().text())
        .orElseThrow(
            () ->
                new KernelException(
                    "find link", id.hostInterface().text(), KernelException.ENODEV, "it vanished"));
  }

  @Override
  public boolean isShut(EndpointId id) throws KernelException {
    return host.link(id.hostInterface().text()).filter(l -> l.group() == SHUT).isPresent();
  }

  @Override
  public void open(EndpointId id, List<IpAddress> addresses, Gateways gateways)
      throws KernelException {
    int index = index(id);
    host.setUp(index, true);
    if (gateways.number() > 0 && addresses.stream().anyMatch(a -> !a.isV4())) {
      try {
        host.addAddress(index, new Cidr(gateways.ipv6(), 64));
      } catch (KernelException e) {
        if (e.errno() != KernelException.EEXIST) {
          throw e;
        }
      }
    }
    for (IpAddress address : addresses) {
      host.replaceRoute(Route.connected(address.toCidr(), index, Route.PROTOCOL_BOOT));
    }
    host.setGroup(index, 0);
  }

  @Override
  public void remove(EndpointId id) throws KernelException {
    for (String name : List.of(id.hostInterface().text(), id.movedInterface().text())) {
      OptionalInt index = host.index(name);
      if (index.isPresent()) {
        try {
          host.deleteLink(index.getAsInt());
        } catch (KernelException e) {
          if (e.errno() != KernelException.ENODEV) {
            throw e;
          }
        }
      }
    }
  }

  @Override
  public boolean isInContainer(EndpointId id) throws KernelException {
    return host.index(id.hostInterface().text()).isPresent()
        && host.index(id.movedInterface().text()).isEmpty();
  }

  @Override
  public void close() {
    host.close();
  }
}
