package io.calico4j.core.testing;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps keys and their history in memory, with etcd's revisions: one counter, one number per
 * transaction. Guarded by itself; watchers are called by one thread.
 */
public final class MemoryDatastore implements Datastore {
  private final NavigableMap<String, Entry> entries = new TreeMap<>();
  private final List<Change> history = new ArrayList<>();
  private final List<MemoryWatch> watches = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService notifier = Daemons.timer("memory-datastore");
  private long revision = 1;
  private long compacted;

  private record Change(String key, @Nullable Entry entry, long revision) {}

  /** Makes an empty one. */
  public MemoryDatastore() {}

  @Override
  public synchronized Optional<Entry> get(String key) {
    return Optional.ofNullable(entries.get(key));
  }

  @Override
  public synchronized Listing list(String prefix) {
    return new Listing(
        List.copyOf(entries.subMap(prefix, true, prefix + Character.MAX_VALUE, false).values()),
        revision);
  }

  @Override
  public synchronized long commit(Transaction transaction) throws ConflictException {
    for (Transaction.Comparison comparison : transaction.comparisons()) {
      Entry entry = entries.get(comparison.key());
      long actual = entry == null ? 0 : entry.revision();
      if (actual != comparison.revision()) {
        throw new ConflictException(
            comparison.key() + " is at revision " + actual + ", not " + comparison.revision(),
            null);
      }
    }
    long next = revision + 1;
    List<Change> changes = new ArrayList<>();
    for (Transaction.Write write : transaction.writes()) {
      String value = write.value();
      if (value != null) {
        Entry entry = new Entry(write.key(), value, next);
        entries.put(write.key(), entry);
        changes.add(new Change(write.key(), entry, next));
        if (write.ttlSeconds() > 0) {
          var unused = notifier.schedule(() -> expire(entry), write.ttlSeconds(), TimeUnit.SECONDS);
        }
      } else if (entries.remove(write.key()) != null) {
        changes.add(new Change(write.key(), null, next));
      }
    }
    if (!changes.isEmpty()) {
      revision = next;
      history.addAll(changes);
      watches.forEach(watch -> changes.forEach(watch::offer));
    }
    return revision;
  }

  private synchronized void expire(Entry entry) {
    try {
      long unused = commit(Transaction.builder().delete(entry.key(), entry.revision()).build());
    } catch (ConflictException e) {
      // It was put again, with a lease of its own, or is gone.
    }
  }

  /** Forgets the history below a revision, as etcd's compaction does. */
  public synchronized void compact(long below) {
    compacted = below;
    history.removeIf(change -> change.revision() < below);
  }

  /** Ends every watch, as a lost connection does. */
  public synchronized void breakWatches() {
    for (MemoryWatch watch : watches) {
      watches.remove(watch);
      watch.end(new CompactedException(compacted, null));
    }
  }

  @Override
  public synchronized Watch watch(String prefix, long fromRevision, WatchListener listener) {
    MemoryWatch watch = new MemoryWatch(prefix, listener);
    if (fromRevision < compacted) {
      watch.end(new CompactedException(compacted, null));
      return watch;
    }
    for (Change change : history) {
      if (change.revision() >= fromRevision) {
        watch.offer(change);
      }
    }
    watches.add(watch);
    return watch;
  }

  @Override
  public synchronized void close() {
    watches.clear();
    notifier.shutdown();
  }

  private void run(Runnable task) {
    try {
      notifier.execute(task);
    } catch (RejectedExecutionException e) {
      watches.clear();
    }
  }

  private final class MemoryWatch implements Watch {
    private final String prefix;
    private final WatchListener listener;
    private volatile boolean closed;

    MemoryWatch(String prefix, WatchListener listener) {
      this.prefix = prefix;
      this.listener = listener;
    }

    void offer(Change change) {
      if (!change.key().startsWith(prefix)) {
        return;
      }
      run(
          () -> {
            if (closed) {
              return;
            }
            Entry entry = change.entry();
            if (entry == null) {
              listener.onDelete(change.key(), change.revision());
            } else {
              listener.onPut(entry);
            }
          });
    }

    void end(CompactedException cause) {
      run(
          () -> {
            if (!closed) {
              closed = true;
              listener.onEnd(cause);
            }
          });
    }

    @Override
    public void close() {
      closed = true;
      watches.remove(this);
    }
  }
}
