package io.calico4j.core.endpoint;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.InterfaceName;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes links in groups. The kernel waits for a grace period of 15 ms and more at every deletion
 * request, however many links it names; so a detached link is taken down and moved to a group, and
 * the group is deleted in the background. What a crash leaves in the group goes at the next start.
 */
final class LinkReaper implements AutoCloseable {
  /** The group of links that wait for deletion; any number nobody else uses on the host. */
  static final int GROUP = 0xca11c0;

  private static final Logger log = LoggerFactory.getLogger(LinkReaper.class);
  private static final int DELAY_MILLIS = 20;

  private final Netlink netlink;
  private final Netlink groups;
  private final boolean deferred;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final ScheduledExecutorService worker = Daemons.timer("link-reaper");

  /** Opens a socket of its own for group deletions, so that nobody waits behind them. */
  LinkReaper(Kernel kernel, Netlink netlink, boolean deferred) throws KernelException {
    this.netlink = netlink;
    groups = kernel.netlink();
    this.deferred = deferred;
  }

  /** Deletes before it returns all that waits for deletion, also what an earlier process left. */
  void finish() throws KernelException {
    groups.deleteGroup(GROUP);
  }

  /** Takes a link out of service; it vanishes at once or soon. An absent link is fine. */
  void remove(InterfaceName name) throws KernelException {
    Optional<Link> link = netlink.link(name.text());
    if (link.isEmpty()) {
      return;
    }
    try {
      if (!deferred) {
        netlink.deleteLink(link.get().index());
        return;
      }
      netlink.setUp(link.get().index(), false);
      netlink.setGroup(link.get().index(), GROUP);
    } catch (KernelException e) {
      if (e.errno() != KernelException.ENODEV) {
        throw e;
      }
      return;
    }
    schedule();
  }

  /** Deletes a link before it returns: its name is needed again. */
  void removeNow(InterfaceName name) throws KernelException {
    Optional<Link> link = netlink.link(name.text());
    if (link.isPresent()) {
      deleteNow(netlink, link.get().index());
    }
  }

  /** Deletes a link of a namespace; one that is gone is fine. */
  static void deleteNow(Netlink namespace, int index) throws KernelException {
    try {
      namespace.deleteLink(index);
    } catch (KernelException e) {
      if (e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }

  private void schedule() {
    if (scheduled.compareAndSet(false, true)) {
      var unused = worker.schedule(this::reap, DELAY_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void reap() {
    scheduled.set(false);
    try {
      groups.deleteGroup(GROUP);
    } catch (KernelException e) {
      log.warn("links of group {} could not be deleted, will try again: {}", GROUP, e.getMessage());
      schedule();
    }
  }

  @Override
  public void close() {
    worker.shutdown();
    try {
      if (!worker.awaitTermination(2, TimeUnit.SECONDS)) {
        worker.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    groups.close();
  }
}
