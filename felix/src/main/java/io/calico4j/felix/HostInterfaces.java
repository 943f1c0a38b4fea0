package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.calculation.HostInterface;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Reads the host's interfaces with their addresses, without those of workloads. */
final class HostInterfaces {
  private static final String WORKLOADS = "cali";

  private HostInterfaces() {}

  /**
   * Returns them as they are now; without those that have no address.
   *
   * @param excluded which ones to leave out
   */
  static Set<HostInterface> read(Kernel kernel, Predicate<String> excluded) throws KernelException {
    try (Netlink netlink = kernel.netlink()) {
      Map<Integer, Set<IpAddress>> addresses = new HashMap<>();
      for (Netlink.InterfaceAddress each : netlink.addresses()) {
        addresses
            .computeIfAbsent(each.interfaceIndex(), index -> new HashSet<>())
            .add(each.address());
      }
      Set<HostInterface> interfaces = new HashSet<>();
      for (Link link : netlink.links()) {
        Set<IpAddress> own = addresses.get(link.index());
        if (own != null && !link.name().startsWith(WORKLOADS) && !excluded.test(link.name())) {
          interfaces.add(new HostInterface(link.name(), own));
        }
      }
      return interfaces;
    }
  }
}
