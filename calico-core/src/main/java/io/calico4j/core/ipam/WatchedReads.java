package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.ResourceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * Answers reads from a watched copy, so that the hot path costs no round trip. Until the first
 * snapshot is complete it reads through. Keys outside the watched prefixes are read through too.
 */
public final class WatchedReads implements Reads, AutoCloseable {
  private static final List<String> PREFIXES =
      List.of(
          IpamKeys.ROOT,
          ResourceKind.IP_POOL.prefix(),
          ResourceKind.IP_RESERVATION.prefix(),
          ResourceKind.NODE.prefix(),
          ResourceKind.PROFILE.prefix(),
          ResourceKind.CLUSTER_INFORMATION.prefix());

  private final Reads direct;
  private final ConcurrentNavigableMap<String, Entry> entries = new ConcurrentSkipListMap<>();
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
                  entries.remove(key);
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
    entries.merge(
        entry.key(), entry, (old, fresh) -> old.revision() > fresh.revision() ? old : fresh);
  }

  /** Takes over what this process itself has committed, ahead of the watch. */
  void committed(Transaction transaction, long revision) {
    for (Transaction.Write write : transaction.writes()) {
      String value = write.value();
      if (isWatched(write.key())) {
        if (value == null) {
          entries.remove(write.key());
        } else {
          put(new Entry(write.key(), value, revision));
        }
      }
    }
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    return isCopied(key) ? Optional.ofNullable(entries.get(key)) : direct.get(key);
  }

  @Override
  public List<Entry> list(String prefix) throws DatastoreException {
    return isCopied(prefix)
        ? new ArrayList<>(
            entries.subMap(prefix, true, prefix + Character.MAX_VALUE, false).values())
        : direct.list(prefix);
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
