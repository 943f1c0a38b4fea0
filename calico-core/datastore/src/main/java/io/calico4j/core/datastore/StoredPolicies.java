package io.calico4j.core.datastore;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import java.util.Optional;

/**
 * Finds policies under the names they are stored by. A policy of the default tier has two: older
 * versions of upstream stored {@code foo} as {@code default.foo}, newer ones store what the user
 * wrote. Both name one policy here, which keeps the key that it was created with.
 */
final class StoredPolicies {
  private static final String PREFIX = "default.";

  private final Datastore datastore;

  StoredPolicies(Datastore datastore) {
    this.datastore = datastore;
  }

  /** Reads what is stored for a key of any kind. */
  Optional<Entry> find(ResourceKey key) throws DatastoreException {
    Optional<Entry> entry = datastore.get(key.path());
    return entry.isPresent() || !isPolicy(key) ? entry : twin(key);
  }

  /** Returns the key that a resource is stored by, or is to be stored by. */
  ResourceKey storedKey(ResourceKey key) throws DatastoreException {
    return isPolicy(key) ? find(key).flatMap(e -> ResourceKey.parse(e.key())).orElse(key) : key;
  }

  /** Demands in a transaction that creates a policy that it is not stored by its other name. */
  void requireAbsent(Transaction.Builder transaction, Resource<?> resource)
      throws DatastoreException {
    ResourceKey key = resource.key();
    if (!(resource.spec() instanceof PolicySpec policy) || !isDefault(policy)) {
      return;
    }
    if (twin(key).isPresent()) {
      throw new AlreadyExistsException(key + " exists already, as " + other(key).name(), null);
    }
    if (datastore.get(other(key).path()).isEmpty()) {
      transaction.require(other(key).path(), 0);
    }
  }

  private Optional<Entry> twin(ResourceKey key) throws DatastoreException {
    return datastore.get(other(key).path()).filter(entry -> isInDefaultTier(key.kind(), entry));
  }

  private static ResourceKey other(ResourceKey key) {
    String name = key.name();
    return new ResourceKey(
        key.kind(),
        key.namespace(),
        name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : PREFIX + name);
  }

  private static boolean isPolicy(ResourceKey key) {
    return key.kind().specType().equals(PolicySpec.class);
  }

  private static boolean isDefault(PolicySpec policy) {
    return policy.effectiveTier().equals("default");
  }

  /** False for one that cannot be read: it is not taken for the same policy by another name. */
  private static boolean isInDefaultTier(ResourceKind<?> kind, Entry entry) {
    try {
      return ResourceCodec.decodeWithoutDocument(kind, entry).spec() instanceof PolicySpec policy
          && isDefault(policy);
    } catch (ValidationException e) {
      return false;
    }
  }
}
