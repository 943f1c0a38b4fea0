package io.calico4j.core.datastore;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.resource.ResourceValidator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a resource must have in common with others, or with its former self ({@code
 * libcalico-go/lib/clientv3}).
 */
final class ResourceRelations {
  private static final String BLOCKS = "/calico/ipam/v2/assignment/";

  private final ResourceClient resources;
  private final Datastore datastore;

  ResourceRelations(ResourceClient resources, Datastore datastore) {
    this.resources = resources;
    this.datastore = datastore;
  }

  void checkCreate(Resource<?> resource) throws DatastoreException {
    if (resource.spec() instanceof IpPoolSpec pool) {
      for (Resource<IpPoolSpec> other : resources.list(ResourceKind.IP_POOL)) {
        if (!other.key().equals(resource.key())
            && other.spec().network().overlaps(pool.network())) {
          throw refused(
              resource,
              "spec.cidr",
              pool.cidr() + " overlaps " + other.key() + " with " + other.spec().cidr());
        }
      }
      refuseOtherBlockSize(resource, pool);
    }
    if (resource.spec() instanceof PolicySpec policy) {
      String tier = policy.effectiveTier();
      if (!tier.equals("default") && resources.get(ResourceKind.TIER, "", tier).isEmpty()) {
        throw refused(resource, "spec.tier", "there is no tier " + tier + ": create it first");
      }
    }
  }

  private void refuseOtherBlockSize(Resource<?> resource, IpPoolSpec pool)
      throws DatastoreException {
    Cidr network = pool.network();
    String prefix = BLOCKS + network.family().keyName() + "/block/";
    for (Entry entry : datastore.list(prefix).entries()) {
      Optional<Cidr> block =
          Cidr.tryParse(entry.key().substring(prefix.length()).replace('-', '/'));
      if (block.isPresent()
          && network.contains(block.get())
          && block.get().prefix() != pool.effectiveBlockSize()) {
        throw refused(
            resource,
            "spec.blockSize",
            pool.effectiveBlockSize()
                + " differs from the block "
                + block.get()
                + " that a former pool left: release its addresses or take its size");
      }
    }
  }

  void checkUpdate(Resource<?> resource) throws DatastoreException {
    if (!(resource.spec() instanceof IpPoolSpec pool)) {
      return;
    }
    ResourceKey key = resource.key();
    Optional<Resource<IpPoolSpec>> stored = resources.get(ResourceKind.IP_POOL, "", key.name());
    if (stored.isEmpty()) {
      return;
    }
    IpPoolSpec old = stored.get().spec();
    if (!old.network().equals(pool.network())) {
      throw refused(
          resource,
          "spec.cidr",
          pool.cidr() + " cannot replace " + old.cidr() + ": create another pool");
    }
    if (old.effectiveBlockSize() != pool.effectiveBlockSize()) {
      throw refused(
          resource,
          "spec.blockSize",
          pool.effectiveBlockSize()
              + " cannot replace "
              + old.effectiveBlockSize()
              + ": create another pool");
    }
    boolean was = uses(old).contains("LoadBalancer");
    if (was != uses(pool).contains("LoadBalancer")) {
      throw refused(
          resource, "spec.allowedUses", "LoadBalancer can neither be added nor taken away");
    }
  }

  private static List<String> uses(IpPoolSpec pool) {
    return Objects.requireNonNullElse(pool.allowedUses(), List.of());
  }

  void checkDelete(ResourceKey key) throws DatastoreException {
    if (!key.kind().equals(ResourceKind.TIER)) {
      return;
    }
    if (ResourceValidator.FIXED_TIERS.containsKey(key.name())) {
      throw new InvalidResourceException(key + " is built in and cannot be deleted", null);
    }
    for (ResourceKind<PolicySpec> kind :
        List.of(ResourceKind.GLOBAL_NETWORK_POLICY, ResourceKind.NETWORK_POLICY)) {
      for (Resource<PolicySpec> policy : resources.list(kind)) {
        if (policy.spec().effectiveTier().equals(key.name())) {
          throw new InvalidResourceException(
              key + " is in use by " + policy.key() + ": delete its policies first", null);
        }
      }
    }
  }

  private static InvalidResourceException refused(Resource<?> resource, String path, String why) {
    return new InvalidResourceException(resource.key() + " " + path + ": " + why, null);
  }
}
