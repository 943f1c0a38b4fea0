package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.mesos.AgentUnavailableException;
import io.calico4j.mesos.MesosReconciler;
import io.calico4j.node.http.Page;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets the Mesos reconciler look at once and then again and again, and remembers how it went. */
final class MesosMaintenance implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MesosMaintenance.class);

  private final MesosReconciler reconciler;
  private final MesosSettings settings;
  private final ScheduledExecutorService timer = Daemons.timer("mesos-maintenance");
  private final CounterDataPoint good;
  private final CounterDataPoint failed;
  private volatile String problem = "the agent has not been asked yet";

  MesosMaintenance(
      MesosReconciler reconciler, MesosSettings settings, PrometheusRegistry registry) {
    this.reconciler = reconciler;
    this.settings = settings;
    GaugeWithCallback.builder()
        .name("calico_mesos_agent_up")
        .help("Whether the Mesos agent answered the last question about its containers.")
        .callback(gauge -> gauge.call(problem.isEmpty() ? 1 : 0))
        .register(registry);
    Counter looks =
        Counter.builder()
            .name("calico_mesos_looks_total")
            .help("Comparisons with the agent's containers, by outcome.")
            .labelNames("result")
            .withoutExemplars()
            .register(registry);
    good = looks.labelValues("ok");
    failed = looks.labelValues("failed");
    CounterWithCallback.builder()
        .name("calico_mesos_released_total")
        .help("Endpoints and unused addresses released because the agent lists no such container.")
        .callback(counter -> counter.call(reconciler.released()))
        .register(registry);
  }

  void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::reconcile, 0, settings.lookSeconds(), TimeUnit.SECONDS);
  }

  private void reconcile() {
    try {
      reconciler.reconcile();
      if (!problem.isEmpty()) {
        log.info("{} answers: its containers are compared with the endpoints", settings.access());
      }
      problem = "";
      good.inc();
    } catch (AgentUnavailableException
        | AttachException
        | DatastoreException
        | RuntimeException e) {
      String text = e instanceof RuntimeException ? e.toString() : String.valueOf(e.getMessage());
      if (!text.equals(problem)) {
        log.warn("endpoints are not compared with the Mesos agent's containers now: {}", text);
      }
      problem = text;
      failed.inc();
    }
  }

  /** Tells how the last look went: 200 when the agent answered, else 503 and why not. */
  Page page() {
    String now = problem;
    return now.isEmpty()
        ? Page.plain(200, settings.access() + ": answers\n")
        : Page.plain(503, now + "\n");
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
