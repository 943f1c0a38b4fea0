package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the host forward packets: IPv4 always, IPv6 where it is used. A host that forwards IPv6
 * listens to no router advertisements and forgets the default route that it has from them, unless
 * {@code accept_ra} is 2 (kernel: Documentation/networking/ip-sysctl.rst): an interface that
 * listens to them goes on doing so.
 */
final class Forwarding {
  private static final Logger log = LoggerFactory.getLogger(Forwarding.class);
  private static final String WORKLOADS = "cali";

  private final Kernel kernel;
  private boolean ipv4;
  private boolean ipv6;

  Forwarding(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Has the next call enable it again: another program may have disabled it. */
  void invalidate() {
    ipv4 = false;
    ipv6 = false;
  }

  /**
   * Enables what is not yet enabled; never disables anything.
   *
   * @param usesIpv6 whether a pool or an endpoint has IPv6 addresses; asked until IPv6 is enabled
   */
  void enable(BooleanSupplier usesIpv6) throws KernelException {
    if (!ipv4) {
      kernel.setSysctls(List.of(Sysctl.of("net/ipv4/ip_forward", "1")));
      ipv4 = true;
    }
    if (!ipv6 && usesIpv6.getAsBoolean()) {
      List<Sysctl> sysctls = new ArrayList<>(keepingRouters());
      sysctls.add(Sysctl.optional("net/ipv6/conf/all/forwarding", "1"));
      kernel.setSysctls(sysctls);
      ipv6 = true;
    }
  }

  private List<Sysctl> keepingRouters() throws KernelException {
    List<Sysctl> sysctls = new ArrayList<>();
    try (Netlink netlink = kernel.netlink()) {
      for (Link link : netlink.links()) {
        String path = "net/ipv6/conf/" + link.name() + "/accept_ra";
        if (!link.name().startsWith(WORKLOADS)
            && kernel.sysctl(path).filter("1"::equals).isPresent()) {
          log.info("{} goes on listening to router advertisements: accept_ra is 2", link.name());
          sysctls.add(Sysctl.optional(path, "2"));
        }
      }
    }
    return sysctls;
  }
}
