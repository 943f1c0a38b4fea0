package io.calico4j.core.ipam;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Deletes a WorkloadEndpoint together with its addresses, in one transaction: an address that is
 * free has no endpoint, and an endpoint that is gone holds none.
 */
public final class EndpointRemoval {
  private static final Retry AGAIN = Retry.refused(5, List.of(ConflictException.class));

  private final Datastore datastore;
  private final ResourceClient resources;

  /** For the endpoints of a datastore. */
  public EndpointRemoval(Datastore datastore) {
    this.datastore = datastore;
    this.resources = new ResourceClient(datastore);
  }

  /**
   * Deletes the endpoint and releases its addresses, except those that another node holds.
   *
   * @param revision the revision that it must have; 0 for any
   * @throws NotFoundException when there is none
   * @throws ConflictException when it has another revision
   */
  public void run(ResourceKey key, long revision) throws DatastoreException {
    resources.requireRevision(key, revision);
    if (revision == 0) {
      AGAIN.run(DatastoreException.class, () -> remove(key, 0));
    } else {
      List<IpAddress> unused = remove(key, revision);
    }
  }

  private List<IpAddress> remove(ResourceKey key, long revision) throws DatastoreException {
    Resource<WorkloadEndpointSpec> endpoint =
        resources
            .get(ResourceKind.WORKLOAD_ENDPOINT, key.namespace(), key.name())
            .orElseThrow(() -> new NotFoundException(key + " does not exist", null));
    try (Ipam ipam = Ipam.ofCluster(datastore)) {
      List<IpAddress> held = new ArrayList<>();
      for (String network : endpoint.spec().ipNetworks()) {
        Optional<IpAddress> address = Cidr.tryParse(network).map(Cidr::address);
        if (address.isPresent()
            && ipam.ownerOf(address.get()).filter(o -> isOf(o, endpoint.spec())).isPresent()) {
          held.add(address.get());
        }
      }
      return ipam.release(
          held,
          (transaction, released) ->
              transaction.delete(key.path(), revision == 0 ? endpoint.revision() : revision));
    }
  }

  /** An allocation that names no node was made by an old version of upstream. */
  private static boolean isOf(Block.Owner owner, WorkloadEndpointSpec endpoint) {
    String node = owner.secondary().get("node");
    return node == null || node.equals(endpoint.node());
  }
}
