package io.calico4j.felix;

import io.calico4j.felix.FelixWork.Sync;
import io.calico4j.felix.calculation.DataplaneUpdate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Counts what Felix does. Safe for use by many threads. */
final class WorkMeter {
  private final long started = System.nanoTime();
  private final Map<String, Long> messages = new TreeMap<>();
  private Sync sync = Sync.WAIT_FOR_READY;
  private long resyncs;
  private long updates;
  private long updateNanos;
  private Sum batches = Sum.ZERO;
  private Sum applies = Sum.ZERO;
  private long failures;
  private Optional<Double> initialSeconds = Optional.empty();

  /** A snapshot of the datastore is being fetched. */
  synchronized void resync() {
    sync = Sync.RESYNC;
    resyncs++;
  }

  /** The snapshot has been delivered. */
  synchronized void inSync() {
    sync = Sync.IN_SYNC;
  }

  /** The calculation has taken an update that came at this time of System.nanoTime. */
  synchronized void updated(long since) {
    updates++;
    updateNanos += System.nanoTime() - since;
  }

  /** The dataplane is told of these. */
  synchronized void told(List<DataplaneUpdate> batch) {
    batch.forEach(each -> messages.merge(each.getClass().getSimpleName(), 1L, Long::sum));
    batches = batches.plus(batch.size());
  }

  /** What was begun at this time of System.nanoTime is in the kernel. */
  synchronized void applied(long since) {
    long now = System.nanoTime();
    applies = applies.plusNanos(now - since);
    if (initialSeconds.isEmpty()) {
      initialSeconds = Optional.of(Sum.ZERO.plusNanos(now - started).sum());
    }
  }

  /** It could not be brought into the kernel. */
  synchronized void failed() {
    failures++;
  }

  /** Returns what has been done. */
  synchronized FelixWork figures() {
    return new FelixWork(
        sync,
        resyncs,
        new Sum(updates, updateNanos / 1e9),
        Map.copyOf(messages),
        batches,
        applies,
        failures,
        initialSeconds);
  }
}
