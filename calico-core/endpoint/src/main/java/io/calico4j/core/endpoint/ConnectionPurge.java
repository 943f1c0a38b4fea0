package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Uninterruptibles;
import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes conntrack entries of addresses that lose their owner, so that the next owner does not
 * meet them. The kernel walks its whole hash table at each reading, which takes milliseconds
 * however few entries there are; so calico-node deletes in the background, a little later: a DEL
 * that shares a processor with the reading takes twice as long. Addresses that come meanwhile share
 * the reading, and whoever gets an address has it begin at once and waits until its entries are
 * gone. A process that serves one request deletes at once. Safe for many threads.
 */
final class ConnectionPurge implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConnectionPurge.class);
  private static final int CLOSE_SECONDS = 5;
  private static final int DELAY_MILLIS = 50;

  private final Conntrack conntrack;
  private final boolean deferred;
  private final ScheduledExecutorService worker = Daemons.timer("connection-purge");

  /** What is not deleted yet; guarded by this. */
  private final List<Batch> pending = new ArrayList<>();

  /** The batch whose reading has not begun, the last of the pending; guarded by this. */
  private @Nullable Batch open;

  private boolean closed;

  /** Addresses that share a reading. */
  private static final class Batch {
    final Set<IpAddress> addresses = new HashSet<>();
    final CountDownLatch done = new CountDownLatch(1);
  }

  /**
   * Makes one; it does not close the conntrack.
   *
   * @param deferred whether this process deletes in the background; every other process of this
   *     host must then delete the entries of an address before it releases it
   */
  ConnectionPurge(Conntrack conntrack, boolean deferred) {
    this.conntrack = conntrack;
    this.deferred = deferred;
  }

  /**
   * Has the entries of addresses deleted. To be called when their link is out of service and before
   * they are released: so {@link #await} knows of them whenever another gets them.
   */
  void forget(Set<IpAddress> addresses) {
    synchronized (this) {
      if (deferred && !closed) {
        if (!addresses.isEmpty()) {
          add(addresses);
        }
        return;
      }
    }
    forgetNow(addresses);
  }

  private void add(Set<IpAddress> addresses) {
    Batch batch = open;
    if (batch == null) {
      batch = new Batch();
      open = batch;
      pending.add(batch);
      var unused = worker.schedule(this::work, DELAY_MILLIS, TimeUnit.MILLISECONDS);
    }
    batch.addresses.addAll(addresses);
  }

  private void work() {
    Batch batch;
    synchronized (this) {
      batch = open;
      open = null;
    }
    if (batch == null) {
      return; // An ADD had it begin earlier.
    }
    try {
      forgetNow(batch.addresses);
    } finally {
      synchronized (this) {
        pending.remove(batch);
      }
      batch.done.countDown();
    }
  }

  /** Deletes the entries of addresses before it returns. A failure is logged. */
  void forgetNow(Set<IpAddress> addresses) {
    if (addresses.isEmpty()) {
      return;
    }
    try {
      int unused = conntrack.delete(addresses::contains);
    } catch (KernelException e) {
      log.warn("conntrack entries of {} are left to time out: {}", addresses, e.getMessage());
    }
  }

  /**
   * Waits until no entries of earlier owners of the addresses are left, or could not be deleted. To
   * be called when the addresses have been assigned and nothing is routed to them. A process that
   * serves one request deletes them itself: an agent may have been killed before it did so. An
   * interrupt does not end the wait: it is some readings long, and each ends after five seconds
   * without an answer of the kernel.
   */
  void await(Collection<IpAddress> addresses) {
    if (!deferred) {
      forgetNow(Set.copyOf(addresses));
      return;
    }
    List<Batch> awaited;
    synchronized (this) {
      awaited =
          pending.stream().filter(b -> !Collections.disjoint(b.addresses, addresses)).toList();
      if (open != null && awaited.contains(open) && !closed) {
        worker.execute(this::work);
      }
    }
    awaited.forEach(b -> Uninterruptibles.awaitUninterruptibly(b.done));
  }

  /** Finishes the pending deletions; what is handed over later is deleted at once. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    worker.shutdown();
    if (!Uninterruptibles.awaitTerminationUninterruptibly(
        worker, CLOSE_SECONDS, TimeUnit.SECONDS)) {
      log.warn("conntrack entries of former endpoints are left to the next start");
    }
  }
}
