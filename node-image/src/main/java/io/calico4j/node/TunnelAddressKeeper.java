package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.datastore.UnreachableException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.ipam.TunnelAddresses;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the addresses of this node's ends of tunnels as the pools ask: whenever a pool or the Node
 * changes, and again while that fails.
 */
final class TunnelAddressKeeper implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TunnelAddressKeeper.class);
  private static final int RETRY_SECONDS = 5;

  private final TunnelAddresses addresses;
  private final KeyspaceSyncer syncer;
  private final ScheduledExecutorService worker = Daemons.timer("tunnel-addresses");
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private volatile String problem = "";

  TunnelAddressKeeper(Datastore datastore, Ipam ipam) {
    addresses = new TunnelAddresses(datastore, ipam);
    syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(
                ResourceKind.IP_POOL.prefix(),
                ResourceKey.of(ResourceKind.NODE, ipam.node().text()).path()),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {}

              @Override
              public void onInSync() {
                schedule(0);
              }

              @Override
              public void onQuiet() {
                schedule(0);
              }
            });
  }

  void start() {
    syncer.start();
  }

  private void schedule(int seconds) {
    if (scheduled.compareAndSet(false, true)) {
      try {
        var unused = worker.schedule(this::reconcile, seconds, TimeUnit.SECONDS);
      } catch (RejectedExecutionException e) {
        log.debug("calico-node is being stopped", e);
      }
    }
  }

  private void reconcile() {
    scheduled.set(false);
    try {
      var unused = addresses.reconcile();
      problem = "";
    } catch (DatastoreException | IpamException e) {
      // Readiness logs it. That etcd is away says nothing of them.
      if (!UnreachableException.isReasonOf(e)) {
        problem = "the addresses of tunnels are not in order: " + e.getMessage();
      }
      schedule(RETRY_SECONDS);
    }
  }

  /** Says what keeps this node from having an address for a tunnel. */
  Optional<String> problem() {
    String now = problem;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  @Override
  public void close() {
    syncer.close();
    worker.shutdownNow();
  }
}
