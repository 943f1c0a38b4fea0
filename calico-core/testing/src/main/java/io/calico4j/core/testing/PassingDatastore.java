package io.calico4j.core.testing;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import java.util.Optional;

/** Asks another datastore, for tests that change one thing about it. */
public abstract class PassingDatastore implements Datastore {
  private final Datastore real;

  /** Passes everything on to another datastore. */
  protected PassingDatastore(Datastore real) {
    this.real = real;
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    return real.get(key);
  }

  @Override
  public Listing list(String prefix) throws DatastoreException {
    return real.list(prefix);
  }

  @Override
  public long commit(Transaction transaction) throws DatastoreException {
    return real.commit(transaction);
  }

  @Override
  public Watch watch(String prefix, long fromRevision, WatchListener listener) {
    return real.watch(prefix, fromRevision, listener);
  }

  @Override
  public void close() {
    real.close();
  }
}
