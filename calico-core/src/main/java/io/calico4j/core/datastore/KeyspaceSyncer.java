package io.calico4j.core.datastore;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a listener up to date with everything below some prefixes: a snapshot, then ordered
 * updates, and after a compaction or a lost connection the difference to a new snapshot. Lists
 * again for ever, with growing pauses. The listener is called by one thread.
 */
public final class KeyspaceSyncer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeyspaceSyncer.class);
  private static final Duration MIN_PAUSE = Duration.ofMillis(100);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(5);

  private final Datastore datastore;
  private final List<String> prefixes;
  private final Listener listener;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Map<String, Map<String, Long>> seen = new HashMap<>();
  private final Map<String, Datastore.Watch> watches = new HashMap<>();
  private final Map<String, Long> generations = new HashMap<>();
  private final Thread thread;
  private volatile boolean closed;

  /** Receives the key space. */
  public interface Listener {
    /** A key has this value now, or is gone (null). */
    void onUpdate(String key, @Nullable Entry entry);

    /** Everything listed has been delivered; called again after each new snapshot. */
    void onInSync();

    /** A batch of events has been delivered and no more are waiting. */
    default void onQuiet() {}
  }

  private record Event(
      String prefix,
      long generation,
      @Nullable String key,
      @Nullable Entry entry,
      @Nullable DatastoreException end) {}

  /** Makes a syncer; nothing happens before {@link #start}. */
  public KeyspaceSyncer(Datastore datastore, List<String> prefixes, Listener listener) {
    this.datastore = datastore;
    this.prefixes = List.copyOf(prefixes);
    this.listener = listener;
    thread = new Thread(this::run, "syncer");
    thread.setDaemon(true);
  }

  /** Starts to list and watch. */
  public void start() {
    thread.start();
  }

  private void run() {
    Set<String> broken = new HashSet<>(prefixes);
    Duration pause = MIN_PAUSE;
    try {
      while (!closed) {
        if (!broken.isEmpty()) {
          if (resync(broken)) {
            pause = MIN_PAUSE;
            listener.onInSync();
          } else {
            TimeUnit.MILLISECONDS.sleep(pause.toMillis());
            pause = min(pause.multipliedBy(2), MAX_PAUSE);
            continue;
          }
        }
        deliver(events.take(), broken);
        for (Event next = events.poll(); next != null; next = events.poll()) {
          deliver(next, broken);
        }
        listener.onQuiet();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.error("the syncer has ended because of a bug", e);
    } finally {
      watches.values().forEach(Datastore.Watch::close);
    }
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  private boolean resync(Set<String> broken) {
    for (String prefix : List.copyOf(broken)) {
      Datastore.Watch old = watches.remove(prefix);
      if (old != null) {
        old.close();
      }
      long generation = generations.merge(prefix, 1L, Long::sum);
      Listing listing;
      try {
        listing = datastore.list(prefix);
      } catch (DatastoreException e) {
        log.warn("prefix={} cannot be listed, will try again: {}", prefix, e.getMessage());
        return false;
      }
      Map<String, Long> known = seen.computeIfAbsent(prefix, p -> new HashMap<>());
      Map<String, Long> now = new HashMap<>();
      for (Entry entry : listing.entries()) {
        now.put(entry.key(), entry.revision());
        Long before = known.get(entry.key());
        if (before == null || before != entry.revision()) {
          listener.onUpdate(entry.key(), entry);
        }
      }
      known.keySet().stream()
          .filter(key -> !now.containsKey(key))
          .forEach(key -> listener.onUpdate(key, null));
      seen.put(prefix, now);
      watches.put(prefix, watch(prefix, generation, listing.revision() + 1));
      broken.remove(prefix);
    }
    return true;
  }

  private Datastore.Watch watch(String prefix, long generation, long fromRevision) {
    return datastore.watch(
        prefix,
        fromRevision,
        new Datastore.WatchListener() {
          @Override
          public void onPut(Entry entry) {
            events.add(new Event(prefix, generation, entry.key(), entry, null));
          }

          @Override
          public void onDelete(String key, long revision) {
            events.add(new Event(prefix, generation, key, null, null));
          }

          @Override
          public void onEnd(DatastoreException cause) {
            events.add(new Event(prefix, generation, null, null, cause));
          }
        });
  }

  private void deliver(Event event, Set<String> broken) {
    Long current = generations.get(event.prefix());
    if (current == null || current != event.generation()) {
      return;
    }
    String key = event.key();
    if (key == null) {
      log.info(
          "prefix={} watch ended, listing again: {}", event.prefix(), String.valueOf(event.end()));
      broken.add(event.prefix());
      return;
    }
    Entry entry = event.entry();
    Map<String, Long> known = seen.computeIfAbsent(event.prefix(), p -> new HashMap<>());
    if (entry == null) {
      known.remove(key);
    } else {
      known.put(key, entry.revision());
    }
    listener.onUpdate(key, entry);
  }

  /** Stops; no listener call begins after this returns, unless it is called by the listener. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    if (Thread.currentThread() != thread) {
      try {
        thread.join(2000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
