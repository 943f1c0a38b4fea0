package io.calico4j.testbed;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.testing.MemoryDatastore;
import org.junit.jupiter.api.AfterEach;

/** The datastore in memory keeps the contract. */
class MemoryDatastoreTest extends DatastoreContract {
  private final MemoryDatastore datastore = new MemoryDatastore();

  @AfterEach
  void close() {
    datastore.close();
  }

  @Override
  Datastore datastore() {
    return datastore;
  }

  @Override
  String prefix() {
    return "/calico/contract/";
  }

  @Override
  void compact(long revision) {
    datastore.compact(revision);
  }
}
