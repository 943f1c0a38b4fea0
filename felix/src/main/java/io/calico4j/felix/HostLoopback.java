package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads what the kernel delivers to the host's loopback interface, besides 127.0.0.0/8 and ::1. An
 * IPv4 address that has a prefix length there stands for its whole network, an IPv6 one for itself.
 */
final class HostLoopback {
  private static final String INTERFACE = "lo";
  private static final List<Cidr> ALWAYS =
      List.of(Cidr.parse("127.0.0.0/8"), Cidr.parse("::1/128"));

  private HostLoopback() {}

  /** Returns them as they are now. */
  static Set<Cidr> networks(Kernel kernel) throws KernelException {
    try (Netlink netlink = kernel.netlink()) {
      OptionalInt loopback = netlink.index(INTERFACE);
      Set<Cidr> networks = new HashSet<>();
      for (Netlink.InterfaceAddress each : netlink.addresses()) {
        if (loopback.isPresent()
            && each.interfaceIndex() == loopback.getAsInt()
            && ALWAYS.stream().noneMatch(network -> network.contains(each.address()))) {
          networks.add(
              each.address().family() == IpFamily.IPV4
                  ? new Cidr(each.address(), each.prefix())
                  : each.address().toCidr());
        }
      }
      return networks;
    }
  }
}
