package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.testing.Resources;
import java.util.List;

/** What IPAM needs to find in a datastore. */
final class TestCluster {
  private TestCluster() {}

  /** Creates host-a, host-b and one pool. */
  static void create(Datastore datastore, String pool, String cidr, int blockSize)
      throws DatastoreException {
    ResourceClient resources = new ResourceClient(datastore);
    for (String node : List.of("host-a", "host-b")) {
      resources.create(Resources.node(node));
    }
    resources.create(Resources.pool(pool, cidr).blockSize(blockSize).build());
  }
}
