package io.calico4j.core.ipam;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.List;

/**
 * Deletes an IPPool as upstream does ({@code libcalico-go/lib/clientv3/ippool.go}): first nobody
 * may assign from it any more, then every host gives its blocks back, then it goes. Addresses in
 * use stay assigned until their holders release them. It can be killed anywhere and repeated.
 */
public final class PoolRemoval {
  private static final Retry AGAIN = Retry.refused(5, List.of(ConflictException.class));
  private static final long IN_FLIGHT_MILLIS = 500;

  private final Datastore datastore;
  private final ResourceClient resources;

  /** For the pools of a datastore. */
  public PoolRemoval(Datastore datastore) {
    this.datastore = datastore;
    this.resources = new ResourceClient(datastore);
  }

  /**
   * Deletes the pool.
   *
   * @throws NotFoundException when there is none
   */
  public void run(String name) throws DatastoreException {
    run(name, 0);
  }

  /**
   * Deletes the pool.
   *
   * @param revision the revision that it must have before anything is done; 0 for any
   * @throws NotFoundException when there is none
   * @throws ConflictException when it has another revision
   */
  public void run(String name, long revision) throws DatastoreException {
    Resource<IpPoolSpec> pool = disable(name, revision);
    try {
      Thread.sleep(IN_FLIGHT_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DatastoreException(
          "interrupted; IPPool " + name + " is disabled: delete it again", e);
    }
    try (Ipam ipam = Ipam.ofCluster(datastore)) {
      ipam.releaseAffinitiesIn(pool.spec().network());
    }
    resources.delete(pool.key());
  }

  private Resource<IpPoolSpec> disable(String name, long revision) throws DatastoreException {
    ResourceKey key = ResourceKey.of(ResourceKind.IP_POOL, name);
    resources.requireRevision(key, revision);
    return AGAIN.run(
        DatastoreException.class,
        () -> {
          Resource<IpPoolSpec> pool =
              resources
                  .get(ResourceKind.IP_POOL, "", name)
                  .orElseThrow(() -> new NotFoundException(key + " does not exist", null));
          return pool.spec().enabled()
              ? resources.update(pool.withSpec(pool.spec().asDisabled()))
              : pool;
        });
  }
}
