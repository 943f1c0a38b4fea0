package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.mesos.AgentUnavailableException;
import io.calico4j.mesos.MesosReconciler;
import io.calico4j.node.http.Page;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets the Mesos reconciler look at once and then again and again, and remembers how it went. */
final class MesosUpkeep implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MesosUpkeep.class);

  private static final String LOOKS = "calico_mesos_looks_total";

  private final MesosReconciler reconciler;
  private final MesosSettings settings;
  private final ScheduledExecutorService timer = Daemons.timer("mesos-upkeep");
  private final AtomicLong good = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private volatile String problem = "the agent has not been asked yet";

  MesosUpkeep(MesosReconciler reconciler, MesosSettings settings) {
    this.reconciler = reconciler;
    this.settings = settings;
  }

  void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::look, 0, settings.lookSeconds(), TimeUnit.SECONDS);
  }

  private void look() {
    try {
      reconciler.look();
      if (!problem.isEmpty()) {
        log.info("{} answers: its containers are compared with the endpoints", settings.access());
      }
      problem = "";
      long unused = good.incrementAndGet();
    } catch (AgentUnavailableException
        | AttachException
        | DatastoreException
        | RuntimeException e) {
      String text = e instanceof RuntimeException ? e.toString() : String.valueOf(e.getMessage());
      if (!text.equals(problem)) {
        log.warn("endpoints are not compared with the Mesos agent's containers now: {}", text);
      }
      problem = text;
      long unused = failed.incrementAndGet();
    }
  }

  /** Tells how the last look went: 200 when the agent answered, else 503 and why not. */
  Page page() {
    String now = problem;
    return now.isEmpty()
        ? Page.plain(200, settings.access() + ": answers\n")
        : Page.plain(503, now + "\n");
  }

  /** Returns its part of the metrics. */
  String metrics() {
    return Metrics.single(
            "calico_mesos_agent_up",
            "gauge",
            "Whether the Mesos agent answered the last question about its containers.",
            problem.isEmpty() ? 1 : 0)
        + Metrics.head(LOOKS, "counter", "Comparisons with the agent's containers, by outcome.")
        + Metrics.sample(LOOKS, good.get(), "result", "ok")
        + Metrics.sample(LOOKS, failed.get(), "result", "failed")
        + Metrics.single(
            "calico_mesos_released_total",
            "counter",
            "Endpoints and unused addresses released because the agent lists no such container.",
            reconciler.released());
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
