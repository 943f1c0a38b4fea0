package io.calico4j.node;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A datastore in memory that is away for as many requests as a test says, and can be watched. */
final class FailingDatastore implements Datastore {
  /** How many requests fail from now on. */
  final AtomicInteger failures = new AtomicInteger();

  /** Hears of each transaction before it is committed. */
  volatile Consumer<Transaction> observer = transaction -> {};

  private final MemoryDatastore memory;

  FailingDatastore(MemoryDatastore memory) {
    this.memory = memory;
  }

  private void fail() throws DatastoreException {
    if (failures.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      throw new UnavailableException("etcd does not answer", true, null);
    }
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    fail();
    return memory.get(key);
  }

  @Override
  public Listing list(String prefix) throws DatastoreException {
    fail();
    return memory.list(prefix);
  }

  @Override
  public long commit(Transaction transaction) throws DatastoreException {
    fail();
    observer.accept(transaction);
    return memory.commit(transaction);
  }

  @Override
  public Watch watch(String prefix, long fromRevision, WatchListener listener) {
    return memory.watch(prefix, fromRevision, listener);
  }

  @Override
  public void close() {
    memory.close();
  }
}
