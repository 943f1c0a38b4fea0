package io.calico4j.felix.status;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.felix.config.FelixConfig;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Felix's status keys as upstream does ({@code felix/statusrep}, {@code
 * felix/proto/felixbackend}): {@code status} with a lease and {@code last_reported_status} without
 * one, each reporting interval; and, where EndpointReportingEnabled, a key of each endpoint that
 * says up or down, compared with the datastore once in an interval. Not for several threads.
 */
public final class StatusReporter {
  private static final Logger log = LoggerFactory.getLogger(StatusReporter.class);

  /** Changes of one look that go out at once; etcd's limit of a transaction is 128. */
  private static final int MAX_CHANGES = 100;

  private final Datastore datastore;
  private final String node;
  private final long started;
  private final Map<String, String> reported = new HashMap<>();
  private long lastAlive;
  private long lastCompared;
  private boolean aliveReported;
  private boolean compared;

  /**
   * Makes a reporter.
   *
   * @param started when Felix started, in nanoseconds of the clock that {@link #report} is given
   */
  public StatusReporter(Datastore datastore, String node, long started) {
    this.datastore = datastore;
    this.node = node;
    this.started = started;
  }

  /**
   * Writes what is due; a write that fails is due again at the next call.
   *
   * @param nanos a monotonic clock
   * @param time the wall clock
   * @param endpoints whether each of this node's endpoints, by status key, is up
   */
  public void report(long nanos, Instant time, FelixConfig config, Map<String, Boolean> endpoints) {
    try {
      Duration interval = config.reportingInterval();
      if (!interval.isZero() && (!aliveReported || nanos - lastAlive >= interval.toNanos())) {
        alive(nanos, time, config.reportingTtl());
      }
      if (config.endpointReporting()) {
        if (!compared || !interval.isZero() && nanos - lastCompared >= interval.toNanos()) {
          compare(nanos);
        }
        change(endpoints);
      }
    } catch (DatastoreException e) {
      log.warn("status of {} is not reported now: {}", node, e.getMessage());
    }
  }

  private void alive(long nanos, Instant time, Duration ttl) throws DatastoreException {
    JsonObject status = new JsonObject();
    status.addProperty("time", time.truncatedTo(ChronoUnit.SECONDS).toString());
    status.addProperty("uptime", TimeUnit.NANOSECONDS.toMillis(nanos - started) / 1000.0);
    status.addProperty("first_update", !aliveReported);
    long unused =
        datastore.commit(
            Transaction.builder()
                .put(StatusKeys.alive(node), status.toString(), Math.max(1, ttl.toSeconds()))
                .put(StatusKeys.lastReported(node), status.toString())
                .build());
    lastAlive = nanos;
    aliveReported = true;
  }

  /**
   * Learns what is stored: what another process changed is written again, what is gone is deleted.
   */
  private void compare(long nanos) throws DatastoreException {
    Map<String, String> stored = new HashMap<>();
    for (Entry entry : datastore.list(StatusKeys.workloadEndpoints(node)).entries()) {
      stored.put(entry.key(), entry.value());
    }
    reported.clear();
    reported.putAll(stored);
    lastCompared = nanos;
    compared = true;
  }

  private void change(Map<String, Boolean> endpoints) throws DatastoreException {
    Map<String, String> wanted = new TreeMap<>();
    endpoints.forEach(
        (key, up) -> wanted.put(key, up ? "{\"status\":\"up\"}" : "{\"status\":\"down\"}"));
    Transaction.Builder transaction = Transaction.builder();
    Map<String, String> puts = new TreeMap<>();
    for (Map.Entry<String, String> entry : wanted.entrySet()) {
      if (!entry.getValue().equals(reported.get(entry.getKey())) && puts.size() < MAX_CHANGES) {
        transaction.put(entry.getKey(), entry.getValue());
        puts.put(entry.getKey(), entry.getValue());
      }
    }
    int changes = puts.size();
    Map<String, String> left = new HashMap<>(reported);
    for (Iterator<String> keys = left.keySet().iterator(); keys.hasNext(); ) {
      String key = keys.next();
      if (!wanted.containsKey(key) && changes < MAX_CHANGES) {
        transaction.delete(key);
        keys.remove();
        changes++;
      }
    }
    if (changes > 0) {
      long unused = datastore.commit(transaction.build());
      reported.clear();
      reported.putAll(left);
      reported.putAll(puts);
    }
  }
}
