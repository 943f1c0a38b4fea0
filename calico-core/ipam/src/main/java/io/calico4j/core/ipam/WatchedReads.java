package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListSet;
import org.jspecify.annotations.Nullable;

/**
 * Answers reads from a watched copy, so that the hot path costs no round trip. Until the first
 * snapshot is complete it reads through. Keys outside the watched prefixes are read through too,
 * except handles: a cluster has as many as containers, and a host needs its own only. Those that
 * this process has written are known, and of others it is said that they do not exist, which the
 * transaction finds out if it is wrong.
 */
public final class WatchedReads implements Reads, AutoCloseable {
  private static final List<String> PREFIXES =
      List.of(
          IpamKeys.CONFIG,
          IpamKeys.HOSTS,
          IpamKeys.BLOCKS,
          ResourceKind.IP_POOL.prefix(),
          ResourceKind.IP_RESERVATION.prefix(),
          ResourceKind.NODE.prefix(),
          ResourceKind.BGP_PEER.prefix(),
          ResourceKind.PROFILE.prefix(),
          ResourceKind.CLUSTER_INFORMATION.prefix());

  private final Reads direct;
  private final ConcurrentMap<String, Entry> entries = new ConcurrentHashMap<>();

  /** The keys of the entries. */
  private final ConcurrentSkipListSet<String> keys = new ConcurrentSkipListSet<>();

  /** By prefix, what was found below it; until something changes there. */
  private final Map<String, List<Entry>> listings = new HashMap<>();

  private final Map<String, Entry> ownHandles = new ConcurrentHashMap<>();

  private final KeyspaceSyncer syncer;
  private volatile boolean inSync;

  /** Starts to watch. */
  public WatchedReads(Datastore datastore) {
    direct = Reads.direct(datastore);
    syncer =
        new KeyspaceSyncer(
            datastore,
            PREFIXES,
            KeyspaceSyncer.Delivery.ON_DEMAND,
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {
                if (entry == null) {
                  remove(key);
                } else {
                  put(entry);
                }
              }

              @Override
              public void onInSync() {
                inSync = true;
              }
            });
    syncer.start();
  }

  private void put(Entry entry) {
    Entry kept =
        entries.compute(
            entry.key(),
            (key, old) -> {
              if (old == null) {
                keys.add(key);
              }
              return old != null && old.revision() >= entry.revision() ? old : entry;
            });
    if (kept.revision() == entry.revision()) {
      forgetListings(entry.key());
    }
  }

  private void remove(String key) {
    var unused =
        entries.computeIfPresent(
            key,
            (k, old) -> {
              keys.remove(k);
              return null;
            });
    forgetListings(key);
  }

  private void forgetListings(String key) {
    synchronized (listings) {
      listings.keySet().removeIf(key::startsWith);
    }
  }

  /** Takes over what this process itself has committed, ahead of the watch. */
  void committed(Transaction transaction, long revision) {
    for (Transaction.Write write : transaction.writes()) {
      String key = write.key();
      String value = write.value();
      if (isHandle(key)) {
        ownHandles.compute(key, (k, old) -> value == null ? null : new Entry(key, value, revision));
      } else if (isWatched(key)) {
        if (value == null) {
          remove(key);
        } else {
          put(new Entry(key, value, revision));
        }
      }
    }
  }

  /** Forgets the handles of a transaction that was refused: others may have changed them. */
  void refused(Transaction transaction) {
    transaction.comparisons().forEach(comparison -> ownHandles.remove(comparison.key()));
  }

  private static boolean isHandle(String key) {
    return key.startsWith(IpamKeys.HANDLES);
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    if (inSync && isHandle(key)) {
      return Optional.ofNullable(ownHandles.get(key));
    }
    return isCopied(key) ? Optional.ofNullable(entries.get(key)) : direct.get(key);
  }

  @Override
  public List<Entry> list(String prefix) throws DatastoreException {
    if (!isCopied(prefix)) {
      return direct.list(prefix);
    }
    synchronized (listings) {
      return listings.computeIfAbsent(prefix, this::read);
    }
  }

  private List<Entry> read(String prefix) {
    List<Entry> found = new ArrayList<>();
    for (String key : keys.subSet(prefix, true, prefix + Character.MAX_VALUE, false)) {
      Entry entry = entries.get(key);
      if (entry != null) {
        found.add(entry);
      }
    }
    return Collections.unmodifiableList(found);
  }

  /** Tells whether the copy answers for a key, and brings it up to date. */
  private boolean isCopied(String key) {
    if (!inSync || !isWatched(key)) {
      return false;
    }
    syncer.deliver();
    return true;
  }

  private static boolean isWatched(String key) {
    for (String prefix : PREFIXES) {
      if (key.startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    syncer.close();
  }
}
