package io.calico4j.felix;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.felix.config.StatusParameters;
import io.calico4j.felix.status.EndpointStatus;
import io.calico4j.felix.status.StatusFile;
import io.calico4j.felix.status.StatusFiles;
import io.calico4j.felix.status.StatusReporter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports status, on threads of its own, so that rules wait neither for the datastore nor for a
 * disk: keys in the datastore once in a second, and files for plugins whenever rules have changed.
 */
final class StatusLoop implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StatusLoop.class);

  /** How often it is looked what is due. */
  private static final Duration TICK = Duration.ofSeconds(1);

  private final String node;
  private final Kernel kernel;
  private final Supplier<Optional<Now>> source;
  private final StatusReporter reporter;
  private final StatusFiles files = new StatusFiles();
  private final ScheduledExecutorService keys = Daemons.timer("felix-status");
  private final ScheduledExecutorService disk = Daemons.timer("felix-files");
  private final AtomicBoolean filesPending = new AtomicBoolean();

  /**
   * What there is to report.
   *
   * @param parameters how
   * @param endpoints of which endpoints
   */
  record Now(StatusParameters parameters, EndpointStatuses endpoints) {}

  /**
   * Makes a loop that does nothing before {@link #start}.
   *
   * @param source what there is to report; empty before the first snapshot is in the kernel
   */
  StatusLoop(String node, Datastore datastore, Kernel kernel, Supplier<Optional<Now>> source) {
    this.node = node;
    this.kernel = kernel;
    this.source = source;
    reporter = new StatusReporter(datastore, node, System.nanoTime());
  }

  /** Begins to report. */
  void start() {
    schedule(keys, this::reportKeys, TICK);
  }

  /** Notes that rules are in the kernel: files may have to be written or removed. */
  void applied() {
    if (!filesPending.getAndSet(true)) {
      schedule(disk, this::writeFiles, Duration.ZERO);
    }
  }

  private static void schedule(ScheduledExecutorService on, Runnable task, Duration after) {
    try {
      var unused = on.schedule(task, after.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("felix is being closed", e);
    }
  }

  private void reportKeys() {
    Duration next = TICK;
    try {
      Optional<Now> now = source.get();
      if (now.isPresent()) {
        StatusParameters parameters = now.get().parameters();
        Map<String, EndpointStatus> endpoints =
            parameters.endpoints() ? now.get().endpoints().now(node, kernel) : Map.of();
        Duration due =
            reporter.report(System.nanoTime(), Instant.now(), parameters, endpoints).orElse(TICK);
        next = due.compareTo(TICK) < 0 ? due : TICK;
      }
    } catch (KernelException | RuntimeException e) {
      log.warn("the status is not reported now: {}", e.toString());
    }
    schedule(keys, this::reportKeys, next);
  }

  private void writeFiles() {
    filesPending.set(false);
    boolean done = true;
    try {
      Optional<Now> now = source.get();
      if (now.isPresent()) {
        done = files.put(now.get().parameters().files(), filesOf(now.get().endpoints()));
      }
    } catch (RuntimeException e) {
      log.warn("the status files are not written now: {}", e.toString());
      done = false;
    }
    if (!done && !filesPending.getAndSet(true)) {
      schedule(disk, this::writeFiles, TICK);
    }
  }

  private static List<StatusFile> filesOf(EndpointStatuses endpoints) {
    List<StatusFile> wanted = new ArrayList<>();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints.workloads()) {
      String key = endpoint.key().path();
      if (endpoints.programmed().contains(key)) {
        StatusFile.of(endpoint, endpoints.bgpPeers().get(key)).ifPresent(wanted::add);
      }
    }
    return wanted;
  }

  /** Ends both threads; what is written stays. */
  @Override
  public void close() {
    keys.shutdownNow();
    disk.shutdownNow();
  }
}
