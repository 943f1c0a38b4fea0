package io.calico4j.node.address;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.Cidr;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A network of one of the host's own interfaces: its addresses are those of the host and of its
 * neighbours, and none of them is a workload's.
 *
 * @param link the interface's name
 * @param cidr the network
 */
public record HostNetwork(String link, Cidr cidr) {
  /** Interfaces of workloads and of tunnels: what they have is the cluster's. */
  private static final Pattern CLUSTER = Pattern.compile("cali.*|tunl0|.*\\.calico|.*\\.cali");

  private static final List<Cidr> NEVER_ASSIGNED =
      List.of(Cidr.parse("127.0.0.0/8"), Cidr.parse("::1/128"), Cidr.parse("fe80::/10"));

  /** Reads the networks of all interfaces. */
  public static List<HostNetwork> read(Kernel kernel) throws KernelException {
    try (Netlink netlink = kernel.netlink()) {
      return of(HostAddress.read(netlink));
    }
  }

  static List<HostNetwork> of(List<HostAddress> addresses) {
    return addresses.stream()
        .filter(each -> !CLUSTER.matcher(each.link()).matches())
        .map(each -> new HostNetwork(each.link(), new Cidr(each.address(), each.prefix())))
        .filter(each -> NEVER_ASSIGNED.stream().noneMatch(net -> net.contains(each.cidr())))
        .distinct()
        .toList();
  }

  /** Returns the networks alone. */
  public static List<Cidr> cidrs(List<HostNetwork> networks) {
    return networks.stream().map(HostNetwork::cidr).distinct().toList();
  }

  @Override
  public String toString() {
    return cidr + " (" + link + ")";
  }
}
