package io.calico4j.node;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.IpAddress;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes, once at the agent's start, conntrack entries of addresses that lost their owner while no
 * agent ran: those of this node's blocks that nothing holds. The host's own addresses stay.
 */
final class StaleConnections {
  private static final Logger log = LoggerFactory.getLogger(StaleConnections.class);

  private StaleConnections() {}

  /** Deletes them; what cannot be done is logged, and nothing else waits for it. */
  static void delete(Kernel kernel, Ipam ipam) {
    try (Conntrack conntrack = kernel.conntrack();
        Netlink host = kernel.netlink()) {
      Set<IpAddress> own =
          host.addresses().stream()
              .map(Netlink.InterfaceAddress::address)
              .collect(Collectors.toSet());
      Predicate<IpAddress> free = ipam.freeAddresses();
      int deleted = conntrack.delete(address -> free.test(address) && !own.contains(address));
      if (deleted > 0) {
        log.info("{} conntrack entries of addresses that nothing holds are deleted", deleted);
      }
    } catch (DatastoreException | KernelException e) {
      log.warn("conntrack entries of former endpoints are left to time out: {}", e.getMessage());
    }
  }
}
