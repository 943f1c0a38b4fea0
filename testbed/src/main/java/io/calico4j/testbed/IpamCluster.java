package io.calico4j.testbed;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;

/** What IPAM needs to find in a datastore, without any host behind it. */
public final class IpamCluster {
  private IpamCluster() {}

  /** Creates the nodes host-0, host-1 and so on, and one pool. */
  public static void create(Datastore datastore, int nodes, String cidr, int blockSize)
      throws DatastoreException {
    ResourceClient resources = new ResourceClient(datastore);
    for (int i = 0; i < nodes; i++) {
      resources.create(
          Resource.create(ResourceKind.NODE, Metadata.named(null, "host-" + i), NodeSpec.EMPTY));
    }
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, "pool"),
            new IpPoolSpec(cidr, null, null, null, null, null, blockSize, null, null, null, null)));
  }
}
