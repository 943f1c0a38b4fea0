package io.calico4j.node;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
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
 * agent ran, or just before an agent was killed: those of this node's blocks that nothing holds.
 * The agent answers no ADD before. The host's own addresses stay.
 */
final class StaleConnections {
  private static final Logger log = LoggerFactory.getLogger(StaleConnections.class);

  private StaleConnections() {}

  /** Deletes them; waits a while for a datastore that is away. A failure is logged. */
  static void delete(Kernel kernel, Ipam ipam) {
    try (Conntrack conntrack = kernel.conntrack();
        Netlink host = kernel.netlink()) {
      Set<IpAddress> own =
          host.addresses().stream()
              .map(Netlink.InterfaceAddress::address)
              .collect(Collectors.toSet());
      Predicate<IpAddress> free =
          new Patience(Patience.DEFAULT)
              .run("free addresses", DatastoreException.class, ipam::freeAddresses);
      int deleted = conntrack.delete(address -> free.test(address) && !own.contains(address));
      if (deleted > 0) {
        log.info("{} conntrack entries of addresses that nothing holds are deleted", deleted);
      }
    } catch (DatastoreException | KernelException e) {
      log.warn("conntrack entries of former endpoints are left to time out: {}", e.getMessage());
    }
  }
}
