package io.calico4j.felix;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.LinkMonitor;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.config.RouteParameters;
import io.calico4j.felix.config.TunnelParameters;
import io.calico4j.felix.dataplane.route.OverlayDataplane;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps tunnels, routes and the interfaces of workloads as they ought to be, on a thread of its
 * own, so that rules never wait for them. It works when the calculation says something new, when
 * the kernel tells of a change, and at an interval.
 */
final class RouteLoop implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RouteLoop.class);

  /** How soon after a change by others; changes that come meanwhile are looked at together. */
  private static final long SOON_MILLIS = 100;

  private static final long RETRY_MILLIS = 1000;

  /** Changes by others cost a tenth of the time at most. */
  private static final int SHARE = 10;

  private final OverlayDataplane overlay;
  private final WorkloadRoutes workloads;
  private final Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints;
  private final Runnable forwardingChanged;
  private final LinkMonitor monitor;
  private final ScheduledExecutorService worker = Daemons.timer("felix-routes");

  /** What is to be done; guarded by this. */
  private Work pending = new Work();

  /**
   * Whether the first flush of the calculation has been taken over; guarded by this. Before it,
   * what ought to be there is not known, and what an earlier agent has made must stay.
   */
  private boolean begun;

  private boolean scheduled;
  private long pauseMillis = SOON_MILLIS;
  private volatile String problem = "";
  private volatile long repairs;

  /** Routes of tunnels that there ought to be. */
  private volatile Map<IpFamily, Integer> tunnelRoutes = Map.of();

  /** How often everything was compared, and how long it took. */
  private volatile Sum resyncs = Sum.ZERO;

  /** Only the worker uses it. */
  private boolean failed;

  private static final class Work {
    final List<DataplaneUpdate> updates = new ArrayList<>();

    /** Interfaces whose settings may be wrong. */
    final Set<Integer> suspicious = new HashSet<>();

    TunnelParameters tunnels = TunnelParameters.DEFAULTS;
    RouteParameters routes = RouteParameters.DEFAULTS;
    boolean readTunnels;
    boolean restoreWorkloads;
    boolean suspectAll;
  }

  /**
   * Begins to listen; nothing is changed before it is told something.
   *
   * @param endpoints this node's endpoints with the floating addresses that are in force
   * @param forwardingChanged called when a setting of all interfaces has changed
   */
  RouteLoop(
      Kernel kernel,
      Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints,
      Runnable forwardingChanged)
      throws KernelException {
    this.endpoints = endpoints;
    this.forwardingChanged = forwardingChanged;
    overlay = new OverlayDataplane(kernel);
    workloads = new WorkloadRoutes(kernel, System::nanoTime);
    try {
      monitor = kernel.linkMonitor(new Changes());
    } catch (KernelException e) {
      overlay.close();
      throw e;
    }
  }

  /** Notes what others, or this process, have changed. */
  private final class Changes implements LinkMonitor.Listener {
    @Override
    public void changed(LinkMonitor.Subject subject, int interfaceIndex) {
      if (subject == LinkMonitor.Subject.SETTING && interfaceIndex < 0) {
        forwardingChanged.run();
        return;
      }
      synchronized (RouteLoop.this) {
        pending.readTunnels |= subject != LinkMonitor.Subject.SETTING;
        pending.restoreWorkloads |= subject != LinkMonitor.Subject.NEIGHBOUR;
        if (subject == LinkMonitor.Subject.SETTING) {
          pending.suspicious.add(interfaceIndex);
        }
        schedule(pauseMillis);
      }
    }

    @Override
    public void lost() {
      refresh();
    }
  }

  /** Takes over what the calculation says. */
  void accept(List<DataplaneUpdate> updates, TunnelParameters tunnels, RouteParameters routes) {
    List<DataplaneUpdate> own = updates.stream().filter(OverlayDataplane::concerns).toList();
    synchronized (this) {
      boolean routesChanged = !routes.equals(pending.routes);
      if (!begun || !own.isEmpty() || !tunnels.equals(pending.tunnels) || routesChanged) {
        begun = true;
        pending.updates.addAll(own);
        pending.tunnels = tunnels;
        pending.routes = routes;
        if (routesChanged) {
          pending.readTunnels = true;
          pending.restoreWorkloads = true;
          pending.suspectAll = true;
        }
        run(0);
      }
    }
  }

  /** Looks at the routes of workloads soon: an endpoint has changed. */
  synchronized void endpointsChanged() {
    pending.restoreWorkloads = true;
    schedule(pauseMillis);
  }

  /** Looks at everything. */
  synchronized void refresh() {
    pending.readTunnels = true;
    pending.restoreWorkloads = true;
    pending.suspectAll = true;
    schedule(pauseMillis);
  }

  private void schedule(long millis) {
    if (!scheduled) {
      scheduled = true;
      run(millis);
    }
  }

  private void run(long millis) {
    try {
      var unused = worker.schedule(this::work, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("felix is being closed", e);
    }
  }

  private void work() {
    Work work;
    synchronized (this) {
      scheduled = false;
      if (!begun) {
        return;
      }
      work = pending;
      pending = new Work();
      pending.tunnels = work.tunnels;
      pending.routes = work.routes;
    }
    long start = System.nanoTime();
    overlay.configure(work.tunnels);
    overlay.accept(work.updates);
    if (!work.routes.sync()) {
      problem = "";
      tunnelRoutes = Map.of();
      return;
    }
    if (work.readTunnels) {
      overlay.invalidate();
    }
    overlay.apply();
    String tunnels = overlay.problem().orElse("");
    boolean again = !tunnels.isEmpty();
    String routes = "";
    if (work.restoreWorkloads || failed) {
      try {
        again |=
            workloads.restore(
                endpoints.get(), i -> work.suspectAll || work.suspicious.contains(i), work.routes);
        failed = false;
      } catch (KernelException e) {
        failed = true;
        again = true;
        routes = "routes could not be repaired: " + e.getMessage();
        log.error("{}, will try again", routes);
      }
    }
    problem = tunnels.isEmpty() || routes.isEmpty() ? tunnels + routes : tunnels + "; " + routes;
    repairs = overlay.repairs() + workloads.repairs();
    tunnelRoutes = overlay.routes();
    long nanos = System.nanoTime() - start;
    if (work.suspectAll) {
      resyncs = resyncs.plusNanos(nanos);
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(nanos);
    synchronized (this) {
      pauseMillis = Math.max(SOON_MILLIS, SHARE * millis);
      if (again) {
        pending.restoreWorkloads = true;
        schedule(Math.max(RETRY_MILLIS, pauseMillis));
      }
    }
  }

  /** Says what ought to be in the kernel and is not; empty when all is. */
  Optional<String> problem() {
    String now = problem;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  /** Returns how often something was put back that another program had changed. */
  long repairs() {
    return repairs;
  }

  /** Returns how many routes there ought to be, and how often they were all compared. */
  RouteFigures figures() {
    return RouteFigures.of(endpoints.get(), tunnelRoutes, resyncs);
  }

  /** Ends the thread; tunnels and routes stay. */
  @Override
  public void close() {
    monitor.close();
    worker.shutdownNow();
    try {
      boolean unused = worker.awaitTermination(2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    overlay.close();
  }
}
