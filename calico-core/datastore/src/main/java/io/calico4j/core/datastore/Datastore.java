package io.calico4j.core.datastore;

import io.calico4j.core.model.Entry;
import java.util.Optional;

/**
 * The cluster's key-value store, in etcd's terms: revisions, compare-and-swap, watches. Safe for
 * use by many threads. Each call waits a bounded time and then throws {@link UnavailableException}.
 */
public interface Datastore extends AutoCloseable {
  /** Reads one key. */
  Optional<Entry> get(String key) throws DatastoreException;

  /** Reads every key beginning with the prefix, ascending, in one consistent view. */
  Listing list(String prefix) throws DatastoreException;

  /**
   * Commits a transaction and returns the store's revision of it, which is the new modification
   * revision of every key it put.
   *
   * @throws ConflictException when a comparison does not hold; nothing was written
   * @throws UnavailableException when the outcome is unknown or nothing was written: see {@link
   *     UnavailableException#safeToRedo()}
   */
  long commit(Transaction transaction) throws DatastoreException;

  /**
   * Watches every key beginning with the prefix, from a revision on (inclusive). Events come in
   * order of revision, on a thread of the datastore, until the watch is closed or ends.
   */
  Watch watch(String prefix, long fromRevision, WatchListener listener);

  /** Releases the connection; watches end without further events. */
  @Override
  void close();

  /** A running watch; closing it stops further events. */
  interface Watch extends AutoCloseable {
    @Override
    void close();
  }

  /** Receives a watch's events; must not block. */
  interface WatchListener {
    /** A key was created or changed. */
    void onPut(Entry entry);

    /** A key was deleted at the revision. */
    void onDelete(String key, long revision);

    /** The watch is over ({@link CompactedException}, lost connection): list again. Called once. */
    void onEnd(DatastoreException cause);
  }
}
