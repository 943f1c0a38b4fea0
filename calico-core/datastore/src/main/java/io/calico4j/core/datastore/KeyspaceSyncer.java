package io.calico4j.core.datastore;

import io.calico4j.core.model.Entry;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a listener up to date with everything below some prefixes: a snapshot, then ordered
 * updates, and after a compaction or a lost connection the difference to a new snapshot. Lists
 * again for ever, with growing pauses. The listener is called by one thread at a time.
 */
public final class KeyspaceSyncer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeyspaceSyncer.class);
  private static final Duration MIN_PAUSE = Duration.ofMillis(100);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(5);

  /** When nobody asks for the updates they are delivered so often, lest they pile up. */
  private static final Duration WITHOUT_DEMAND = Duration.ofSeconds(1);

  private final Datastore datastore;
  private final Delivery delivery;
  private final Listener listener;
  private final Queue<Event> events = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean closed;

  /** Held by who calls the listener; guards all below. */
  private final ReentrantLock turn = new ReentrantLock();

  private final Set<String> broken;

  /** Whether the listener has been told of a snapshot that is not complete yet. */
  private boolean resyncing;

  private final Map<String, Map<String, Long>> seen = new HashMap<>();
  private final Map<String, Datastore.Watch> watches = new HashMap<>();
  private final Map<String, Long> generations = new HashMap<>();
  private final Map<String, Trouble> troubles = new HashMap<>();

  /** When updates are delivered. */
  public enum Delivery {
    /** As soon as they come, by the syncer's thread. */
    AT_ONCE,

    /**
     * On the thread that calls {@link KeyspaceSyncer#deliver}, so that no thread is woken for each
     * of them; without a call, within a second. Snapshots are delivered by the syncer's thread.
     */
    ON_DEMAND
  }

  /** Receives the key space. */
  public interface Listener {
    /** A snapshot is being fetched: {@link #onInSync} follows, however often it has to be tried. */
    default void onResync() {}

    /** A key has this value now, or is gone (null). */
    void onUpdate(String key, @Nullable Entry entry);

    /** Everything listed has been delivered; called again after each new snapshot. */
    void onInSync();

    /** The syncer's thread has delivered a batch of events, and no more are waiting. */
    default void onQuiet() {}
  }

  private record Event(
      String prefix,
      long generation,
      @Nullable String key,
      @Nullable Entry entry,
      @Nullable DatastoreException end) {}

  /** Makes a syncer that delivers updates at once; nothing happens before {@link #start}. */
  public KeyspaceSyncer(Datastore datastore, List<String> prefixes, Listener listener) {
    this(datastore, prefixes, Delivery.AT_ONCE, listener);
  }

  /** Makes a syncer; nothing happens before {@link #start}. */
  public KeyspaceSyncer(
      Datastore datastore, List<String> prefixes, Delivery delivery, Listener listener) {
    this.datastore = datastore;
    this.delivery = delivery;
    this.listener = listener;
    broken = new HashSet<>(prefixes);
    thread = new Thread(this::run, "syncer");
    thread.setDaemon(true);
  }

  /** Starts to list and watch. */
  public void start() {
    thread.start();
  }

  private void run() {
    Duration pause = MIN_PAUSE;
    try {
      while (!closed) {
        if (resync()) {
          pause = MIN_PAUSE;
          await();
          turn.lock();
          try {
            deliverAll();
          } finally {
            turn.unlock();
          }
          listener.onQuiet();
        } else {
          TimeUnit.MILLISECONDS.sleep(pause.toMillis());
          pause = min(pause.multipliedBy(2), MAX_PAUSE);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      turn.lock();
      try {
        watches.values().forEach(Datastore.Watch::close);
      } finally {
        turn.unlock();
      }
    }
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /**
   * Waits for events. A wake-up can be consumed while the thread waits for the answer to a listing,
   * so the queue of events is checked too.
   */
  private void await() throws InterruptedException {
    if (delivery == Delivery.ON_DEMAND) {
      LockSupport.parkNanos(this, WITHOUT_DEMAND.toNanos());
    } else {
      while (events.isEmpty() && !Thread.currentThread().isInterrupted()) {
        LockSupport.park(this);
      }
    }
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  /**
   * Delivers what has come so far, unless another thread is just delivering. To be called before
   * the listener's copy is read, when it gets its updates {@link Delivery#ON_DEMAND}.
   */
  public void deliver() {
    if (!events.isEmpty() && turn.tryLock()) {
      try {
        deliverAll();
      } finally {
        turn.unlock();
      }
    }
  }

  private void deliverAll() {
    for (Event next = events.poll(); next != null && !closed; next = events.poll()) {
      deliver(next);
    }
  }

  /** Lists again what needs it; false when that cannot be done now. */
  private boolean resync() {
    turn.lock();
    try {
      if (broken.isEmpty()) {
        return true;
      }
      if (!resyncing) {
        resyncing = true;
        listener.onResync();
      }
      for (String prefix : List.copyOf(broken)) {
        if (!resync(prefix)) {
          return false;
        }
      }
      resyncing = false;
      listener.onInSync();
      return true;
    } finally {
      turn.unlock();
    }
  }

  private boolean resync(String prefix) {
    Datastore.Watch old = watches.remove(prefix);
    if (old != null) {
      old.close();
    }
    long generation = generations.merge(prefix, 1L, Long::sum);
    Trouble trouble =
        troubles.computeIfAbsent(
            prefix, listed -> new Trouble(log, "prefix=" + listed + " cannot be listed"));
    Listing listing;
    try {
      listing = datastore.list(prefix);
    } catch (DatastoreException e) {
      trouble.failed(e);
      return false;
    }
    trouble.done();
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
    return true;
  }

  private Datastore.Watch watch(String prefix, long generation, long fromRevision) {
    return datastore.watch(
        prefix,
        fromRevision,
        new Datastore.WatchListener() {
          @Override
          public void onPut(Entry entry) {
            add(new Event(prefix, generation, entry.key(), entry, null));
          }

          @Override
          public void onDelete(String key, long revision) {
            add(new Event(prefix, generation, key, null, null));
          }

          @Override
          public void onEnd(DatastoreException cause) {
            add(new Event(prefix, generation, null, null, cause));
          }
        });
  }

  private void add(Event event) {
    events.add(event);
    if (delivery == Delivery.AT_ONCE || event.key() == null) {
      LockSupport.unpark(thread);
    }
  }

  private void deliver(Event event) {
    Long current = generations.get(event.prefix());
    if (current == null || current != event.generation()) {
      return;
    }
    String key = event.key();
    if (key == null) {
      log.debug(
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
    log.debug("{} {}", key, entry == null ? "is deleted" : "has changed");
    listener.onUpdate(key, entry);
  }

  /**
   * Stops; no listener call begins after this returns, unless it is called by the listener, or
   * while another thread is in {@link #deliver}.
   */
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
