package io.calico4j.felix.status;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.Trouble;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.felix.config.StatusParameters;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Felix's status keys as upstream does ({@code felix/statusrep}, {@code
 * felix/proto/felixbackend}): {@code status} with a lease and {@code last_reported_status} without
 * one, each reporting interval; and, where EndpointReportingEnabled, a key of each endpoint, one at
 * a time, compared with the datastore once in an interval. Not for several threads.
 */
public final class StatusReporter {
  private static final Logger log = LoggerFactory.getLogger(StatusReporter.class);

  /** Changes that go out at once where there is no delay; etcd takes 128 in a transaction. */
  private static final int MAX_CHANGES = 100;

  private final Trouble trouble = new Trouble(log, "the status of this node is not reported");
  private final Datastore datastore;
  private final String node;
  private final long started;
  private final Map<String, String> reported = new HashMap<>();
  private long lastAlive;
  private long lastCompared;
  private boolean aliveReported;
  private boolean compared;

  /**
   * The last key that was written or deleted: its successor is next, so that none waits for ever.
   */
  private String lastKey = "";

  private long lastChange;
  private boolean changed;

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
   * @param endpoints what to say of each of this node's endpoints, by status key
   * @return how long to wait, where more endpoints are left to be reported; empty when none are
   */
  public Optional<Duration> report(
      long nanos, Instant time, StatusParameters config, Map<String, EndpointStatus> endpoints) {
    try {
      Duration interval = config.interval();
      if (!interval.isZero() && (!aliveReported || nanos - lastAlive >= interval.toNanos())) {
        alive(nanos, time, config.ttl());
      }
      Optional<Duration> next = Optional.empty();
      if (config.endpoints()) {
        if (!compared || !interval.isZero() && nanos - lastCompared >= interval.toNanos()) {
          compare(nanos);
        }
        next = change(nanos, config.endpointDelay(), endpoints);
      } else {
        compared = false;
      }
      trouble.done();
      return next;
    } catch (DatastoreException e) {
      trouble.failed(e);
      return Optional.empty();
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
    for (String prefix :
        List.of(StatusKeys.workloadEndpoints(node), StatusKeys.hostEndpoints(node))) {
      for (Entry entry : datastore.list(prefix).entries()) {
        stored.put(entry.key(), entry.value());
      }
    }
    reported.clear();
    reported.putAll(stored);
    lastCompared = nanos;
    compared = true;
  }

  private Optional<Duration> change(
      long nanos, Duration delay, Map<String, EndpointStatus> endpoints) throws DatastoreException {
    NavigableMap<String, Optional<String>> changes = changes(endpoints);
    if (changes.isEmpty()) {
      return Optional.empty();
    }
    long left = changed ? delay.toNanos() - (nanos - lastChange) : 0;
    if (left > 0) {
      return Optional.of(Duration.ofNanos(left));
    }
    int many = delay.isZero() ? Math.min(changes.size(), MAX_CHANGES) : 1;
    Map<String, Optional<String>> now = new TreeMap<>();
    String key = lastKey;
    for (int i = 0; i < many; i++) {
      String next = changes.higherKey(key);
      key = next == null ? changes.firstKey() : next;
      now.put(key, Objects.requireNonNull(changes.get(key)));
    }
    Transaction.Builder transaction = Transaction.builder();
    now.forEach(
        (name, value) ->
            value.ifPresentOrElse(
                text -> transaction.put(name, text), () -> transaction.delete(name)));
    long unused = datastore.commit(transaction.build());
    now.forEach(
        (name, value) ->
            value.ifPresentOrElse(text -> reported.put(name, text), () -> reported.remove(name)));
    lastKey = key;
    lastChange = nanos;
    changed = true;
    return changes.size() > many ? Optional.of(delay) : Optional.empty();
  }

  /** Returns the keys to be written, with their values, and those to be deleted. */
  private NavigableMap<String, Optional<String>> changes(Map<String, EndpointStatus> endpoints) {
    NavigableMap<String, Optional<String>> changes = new TreeMap<>();
    endpoints.forEach(
        (key, status) -> {
          if (!status.json().equals(reported.get(key))) {
            changes.put(key, Optional.of(status.json()));
          }
        });
    for (String key : reported.keySet()) {
      if (!endpoints.containsKey(key)) {
        changes.put(key, Optional.empty());
      }
    }
    return changes;
  }
}
