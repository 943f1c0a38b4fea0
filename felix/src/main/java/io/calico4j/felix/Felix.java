package io.calico4j.felix;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.felix.calculation.ClusterState;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.rules.RulesetBuilder;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent that turns policy into rules: one watch over all resources, so that updates come in the
 * order in which they were written; a calculation; one nftables transaction. State is guarded by
 * this object's monitor.
 */
public final class Felix implements EndpointReadiness, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Felix.class);
  private static final int RETRY_SECONDS = 1;

  private final FelixConfig config;
  private final Kernel kernel;
  private final NftablesDataplane dataplane = new NftablesDataplane(new LibNftables());
  private final ClusterState state = new ClusterState();
  private final KeyspaceSyncer syncer;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "felix-timer");
            thread.setDaemon(true);
            return thread;
          });
  private Map<String, Long> programmed = Map.of();
  private boolean inSync;
  private boolean dirty;
  private boolean ready;

  /** Makes a Felix; nothing is touched before {@link #start}. */
  public Felix(FelixConfig config, Datastore datastore, Kernel kernel) {
    this.config = config;
    this.kernel = kernel;
    syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(ResourceKind.ROOT),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {
                update(key, entry);
              }

              @Override
              public void onInSync() {
                synchronized (Felix.this) {
                  inSync = true;
                  dirty = true;
                }
                apply();
              }

              @Override
              public void onQuiet() {
                apply();
              }
            });
  }

  /** Enables forwarding, and begins to watch and to program. */
  public void start() throws KernelException {
    enableForwarding(kernel);
    syncer.start();
    long refresh = config.refreshInterval().toSeconds();
    var unused = timer.scheduleWithFixedDelay(this::refresh, refresh, refresh, TimeUnit.SECONDS);
    var unusedRetries =
        timer.scheduleWithFixedDelay(this::retry, RETRY_SECONDS, RETRY_SECONDS, TimeUnit.SECONDS);
  }

  static void enableForwarding(Kernel kernel) throws KernelException {
    kernel.setSysctls(
        List.of(
            Sysctl.of("net/ipv4/ip_forward", "1"),
            Sysctl.optional("net/ipv6/conf/all/forwarding", "1")));
  }

  private synchronized void update(String key, @Nullable Entry entry) {
    if (state.update(key, entry)) {
      dirty = true;
      String problem = state.problems().get(key);
      if (problem != null) {
        log.error("unreadable resource, endpoints it may concern are closed: {}", problem);
      }
    }
  }

  private synchronized void refresh() {
    dataplane.distrust();
    dirty = true;
    apply();
  }

  private synchronized void retry() {
    if (dirty) {
      apply();
    }
  }

  private synchronized void apply() {
    if (!inSync || !dirty) {
      return;
    }
    try {
      dataplane.apply(
          new RulesetBuilder(
                  state, config.node(), config.endpointToHostAction(), config.logPrefix())
              .build());
      dirty = false;
      Map<String, Long> done = new HashMap<>();
      state
          .endpoints()
          .forEach(
              (key, endpoint) -> {
                if (endpoint.spec().node().equals(config.node())) {
                  done.put(key, endpoint.revision());
                }
              });
      programmed = done;
      if (!ready) {
        ready = true;
        log.info("first snapshot is in the kernel, endpoints={}", done.size());
      }
      notifyAll();
    } catch (NftException e) {
      log.error("rules could not be programmed, will try again: {}", e.getMessage());
    }
  }

  @Override
  public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return await(done -> done.getOrDefault(endpoint.path(), -1L) >= Math.max(revision, 0), timeout);
  }

  @Override
  public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return await(done -> !done.containsKey(endpoint.path()), timeout);
  }

  private synchronized boolean await(Predicate<Map<String, Long>> condition, Duration timeout)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!condition.test(programmed)) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  /** Tells whether the first snapshot is in the kernel and nothing waits to be programmed again. */
  public synchronized boolean isReady() {
    return ready;
  }

  /** Stops; the rules stay as they are. */
  @Override
  public void close() {
    timer.shutdownNow();
    syncer.close();
    synchronized (this) {
      dataplane.close();
    }
  }
}
