package io.calico4j.testbed;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/** Counts what is asked of a datastore. */
public final class CountingDatastore implements Datastore {
  /** Reads and transactions: round trips. */
  public final LongAdder requests = new LongAdder();

  /** Puts and deletes within transactions. */
  public final LongAdder writes = new LongAdder();

  /** Bytes of keys and values written. */
  public final LongAdder bytes = new LongAdder();

  private final Datastore datastore;

  /** Passes everything on, and counts. */
  public CountingDatastore(Datastore datastore) {
    this.datastore = datastore;
  }

  /** Starts to count again from nothing. */
  public void reset() {
    requests.reset();
    writes.reset();
    bytes.reset();
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    requests.increment();
    return datastore.get(key);
  }

  @Override
  public Listing list(String prefix) throws DatastoreException {
    requests.increment();
    return datastore.list(prefix);
  }

  @Override
  public long commit(Transaction transaction) throws DatastoreException {
    requests.increment();
    for (Transaction.Write write : transaction.writes()) {
      writes.increment();
      String value = write.value();
      bytes.add(
          write.key().length()
              + (value == null ? 0L : value.getBytes(StandardCharsets.UTF_8).length));
    }
    return datastore.commit(transaction);
  }

  @Override
  public Watch watch(String prefix, long fromRevision, WatchListener listener) {
    return datastore.watch(prefix, fromRevision, listener);
  }

  @Override
  public void close() {
    datastore.close();
  }
}
