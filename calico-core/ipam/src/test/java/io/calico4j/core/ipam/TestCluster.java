package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.List;

/** What IPAM needs to find in a datastore. */
final class TestCluster {
  private TestCluster() {}

  /** Creates host-a, host-b and one pool. */
  static void create(Datastore datastore, String pool, String cidr, int blockSize)
      throws DatastoreException {
    ResourceClient resources = new ResourceClient(datastore);
    for (String node : List.of("host-a", "host-b")) {
      resources.create(
          Resource.create(ResourceKind.NODE, Metadata.named(null, node), NodeSpec.EMPTY));
    }
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, pool),
            new IpPoolSpec(cidr, null, null, null, null, null, blockSize, null, null, null, null)));
  }
}
