package io.calico4j.felix;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the conntrack entries of addresses that no endpoint of this node has any more, on a
 * thread of its own: the next owner of an address must not find the connections of the last one.
 */
final class ConnectionPurge implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConnectionPurge.class);
  private static final int LOOK_SECONDS = 1;

  private final Conntrack conntrack;
  private final ScheduledExecutorService worker = Daemons.timer("felix-conntrack");

  /** Guarded by this. */
  private final DepartedAddresses departed = new DepartedAddresses();

  /** Opens a socket; deletes nothing before {@link #start}. */
  ConnectionPurge(Kernel kernel) throws KernelException {
    conntrack = kernel.conntrack();
    if (!conntrack.isSupported()) {
      log.warn(
          "this kernel has no ctnetlink: connections of a removed endpoint are known until they"
              + " time out, also to the next owner of its address");
    }
  }

  void start() {
    var unused =
        worker.scheduleWithFixedDelay(this::purge, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /** Takes over this node's endpoints as they are in force now. */
  synchronized void present(Collection<Resource<WorkloadEndpointSpec>> endpoints) {
    departed.present(endpoints);
  }

  private synchronized Set<IpAddress> take() {
    return departed.take();
  }

  private synchronized void putBack(Set<IpAddress> addresses) {
    departed.putBack(addresses);
  }

  private void purge() {
    Set<IpAddress> gone = take();
    if (gone.isEmpty()) {
      return;
    }
    try {
      int deleted = conntrack.delete(gone::contains);
      if (deleted > 0) {
        log.info("{} conntrack entries of {} are deleted", deleted, gone);
      }
    } catch (KernelException e) {
      log.warn("conntrack entries of {} are not deleted now: {}", gone, e.getMessage());
      putBack(gone);
    }
  }

  @Override
  public void close() {
    worker.shutdownNow();
    conntrack.close();
  }
}
