package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.model.Entry;
import java.util.List;
import java.util.Optional;

/**
 * Where a decision's inputs come from. What is read may be old: whoever writes compares the
 * revisions of everything the write depends on.
 */
public interface Reads {
  /** Reads one key. */
  Optional<Entry> get(String key) throws DatastoreException;

  /** Reads all keys below a prefix, ascending. */
  List<Entry> list(String prefix) throws DatastoreException;

  /** Reads from the datastore itself. */
  static Reads direct(Datastore datastore) {
    return new Reads() {
      @Override
      public Optional<Entry> get(String key) throws DatastoreException {
        return datastore.get(key);
      }

      @Override
      public List<Entry> list(String prefix) throws DatastoreException {
        return datastore.list(prefix).entries();
      }
    };
  }
}
