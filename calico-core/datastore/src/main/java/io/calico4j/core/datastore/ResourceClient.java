package io.calico4j.core.datastore;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.resource.Defaults;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ResourceValidator;
import io.calico4j.core.resource.ValidationException;
import io.calico4j.core.resource.ValidationFilter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Gets, lists and writes resources. Writes compare revisions: create demands that the key is
 * absent, update that it is as it was read.
 */
public final class ResourceClient {
  /** The profile that allows everything; never stored, always there. */
  public static final String DEFAULT_ALLOW = "projectcalico-default-allow";

  private static final Retry AGAIN =
      Retry.refused(
          5,
          List.of(ConflictException.class, AlreadyExistsException.class, NotFoundException.class));

  private final Datastore datastore;
  private final StoredPolicies policies;

  /** Makes a client. */
  public ResourceClient(Datastore datastore) {
    this.datastore = datastore;
    this.policies = new StoredPolicies(datastore);
  }

  /** Reads one resource; the namespace is ignored for global kinds. */
  public <S> Optional<Resource<S>> get(ResourceKind<S> kind, String namespace, String name)
      throws DatastoreException {
    if (kind.equals(ResourceKind.PROFILE) && name.equals(DEFAULT_ALLOW)) {
      return Optional.of(this.<S>defaultAllow());
    }
    Optional<Entry> entry =
        policies.find(new ResourceKey(kind, kind.namespaced() ? namespace : "", name));
    return entry.isEmpty() ? Optional.empty() : Optional.of(decode(kind, entry.get()));
  }

  private static <S> Resource<S> decode(ResourceKind<S> kind, Entry entry)
      throws InvalidResourceException {
    try {
      return ResourceCodec.decode(kind, entry);
    } catch (ValidationException e) {
      throw new InvalidResourceException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void check(Resource<?> resource) throws InvalidResourceException {
    try {
      ResourceValidator.check(resource);
    } catch (ValidationException e) {
      throw new InvalidResourceException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Lists every resource of a kind that can be read, by key; damaged ones are left out. */
  public <S> List<Resource<S>> list(ResourceKind<S> kind) throws DatastoreException {
    return list(kind, ValidationFilter.silent());
  }

  /** Lists every resource of a kind that can be read, by key; the filter hears of damaged ones. */
  public <S> List<Resource<S>> list(ResourceKind<S> kind, ValidationFilter filter)
      throws DatastoreException {
    List<Resource<S>> resources = new ArrayList<>();
    for (Entry entry : datastore.list(kind.prefix()).entries()) {
      filter.accept(kind, entry).ifPresent(resources::add);
    }
    if (kind.equals(ResourceKind.PROFILE)) {
      resources.add(this.<S>defaultAllow());
    }
    return resources;
  }

  @SuppressWarnings("unchecked")
  private <S> Resource<S> defaultAllow() {
    List<Rule> allow = List.of(Rule.always(Rule.Action.Allow));
    return (Resource<S>)
        Resource.create(
            ResourceKind.PROFILE,
            Metadata.named(null, DEFAULT_ALLOW),
            new ProfileSpec(Map.of(), allow, allow));
  }

  /** Returns the resource as {@link #create} writes it: uid, time and defaults filled in. */
  public <S> Resource<S> prepareCreate(Resource<S> resource) {
    Metadata metadata = resource.metadata();
    String namespace =
        resource.kind().namespaced() && metadata.namespace() == null
            ? "default"
            : metadata.namespace();
    return Defaults.fill(
        resource.withMetadata(
            new Metadata(
                metadata.name(),
                namespace,
                UUID.randomUUID().toString(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                metadata.labels(),
                metadata.annotations())));
  }

  /**
   * Creates a resource.
   *
   * @throws AlreadyExistsException when it exists
   * @throws InvalidResourceException when it contradicts another resource
   */
  public <S> Resource<S> create(Resource<S> resource) throws DatastoreException {
    refuseDefaultAllow(resource.key());
    Resource<S> prepared = prepareCreate(resource);
    check(prepared);
    new ResourceRelations(this, datastore).checkCreate(prepared);
    try {
      Transaction.Builder transaction =
          Transaction.builder().create(prepared.key().path(), ResourceCodec.encode(prepared));
      policies.requireAbsent(transaction, prepared);
      long revision = datastore.commit(transaction.build());
      return at(prepared, revision);
    } catch (ConflictException e) {
      throw new AlreadyExistsException(resource.key() + " exists already", e);
    }
  }

  private static void refuseDefaultAllow(ResourceKey key) throws InvalidResourceException {
    if (key.kind().equals(ResourceKind.PROFILE) && key.name().equals(DEFAULT_ALLOW)) {
      throw new InvalidResourceException(
          key + " is built in and cannot be written: choose another name", null);
    }
  }

  /**
   * Replaces a resource that was read.
   *
   * @throws NotFoundException when it is gone
   * @throws ConflictException when it was changed since
   * @throws InvalidResourceException when it is not valid, or changes what cannot be changed
   */
  public <S> Resource<S> update(Resource<S> resource) throws DatastoreException {
    refuseDefaultAllow(resource.key());
    ResourceKey storedKey = policies.storedKey(resource.key());
    String path = storedKey.path();
    Resource<S> filled = Defaults.fill(resource);
    check(filled);
    new ResourceRelations(this, datastore).checkUpdate(filled);
    try {
      long revision =
          datastore.commit(
              Transaction.builder()
                  .update(path, ResourceCodec.encode(filled, storedKey.name()), resource.revision())
                  .build());
      return at(filled, revision);
    } catch (ConflictException e) {
      if (datastore.get(path).isEmpty()) {
        throw new NotFoundException(resource.key() + " does not exist", e);
      }
      throw new ConflictException(
          resource.key() + " has changed since it was read: read it again", e);
    }
  }

  /**
   * Creates the resource, or replaces the stored one keeping its identity, its other labels and
   * annotations and its unknown fields.
   *
   * @throws ConflictException when the resource bears a revision and the stored one has another
   */
  public <S> Resource<S> apply(Resource<S> resource) throws DatastoreException {
    return againUnlessStale(
        resource,
        () -> {
          Optional<Resource<S>> stored = stored(resource);
          return stored.isEmpty() ? create(resource) : update(replaced(stored.get(), resource));
        });
  }

  /**
   * Replaces a resource that must exist, keeping its identity, its other labels and annotations and
   * its unknown fields.
   *
   * @throws NotFoundException when it does not exist
   * @throws ConflictException when the resource bears a revision and the stored one has another
   */
  public <S> Resource<S> replace(Resource<S> resource) throws DatastoreException {
    return againUnlessStale(
        resource,
        () -> {
          Resource<S> stored =
              stored(resource)
                  .orElseThrow(
                      () ->
                          new NotFoundException(
                              resource.key() + " does not exist: create it", null));
          return update(replaced(stored, resource));
        });
  }

  private <S> Optional<Resource<S>> stored(Resource<S> resource) throws DatastoreException {
    ResourceKey key = resource.key();
    return get(resource.kind(), key.namespace(), key.name());
  }

  /** A write that names a revision is tried once: at another revision it is another write. */
  private static <T> T againUnlessStale(
      Resource<?> resource, Retry.Operation<T, DatastoreException> write)
      throws DatastoreException {
    return resource.revision() == 0 ? AGAIN.run(DatastoreException.class, write) : write.run();
  }

  /**
   * Demands that a resource has a revision.
   *
   * @param revision 0 for any
   * @throws NotFoundException when there is none
   * @throws ConflictException when it has another revision
   */
  public void requireRevision(ResourceKey key, long revision) throws DatastoreException {
    refuseStale(key, revision, entry(key).revision());
  }

  private Entry entry(ResourceKey key) throws DatastoreException {
    return policies
        .find(key)
        .orElseThrow(() -> new NotFoundException(key + " does not exist", null));
  }

  private static void refuseStale(ResourceKey key, long given, long stored)
      throws ConflictException {
    if (given != 0 && given != stored) {
      throw new ConflictException(
          "update conflict: "
              + key
              + ": resourceVersion "
              + given
              + " is out of date, the latest is "
              + stored
              + ": get it again and repeat the change, or remove metadata.resourceVersion to write"
              + " over what is stored",
          null);
    }
  }

  private static Map<String, String> over(Map<String, String> stored, Map<String, String> given) {
    Map<String, String> merged = new TreeMap<>(stored);
    merged.putAll(given);
    return merged;
  }

  private static <S> Resource<S> replaced(Resource<S> stored, Resource<S> given)
      throws ConflictException {
    refuseStale(given.key(), given.revision(), stored.revision());
    Metadata old = stored.metadata();
    return new Resource<>(
        given.kind(),
        new Metadata(
            old.name(),
            old.namespace(),
            old.uid(),
            old.creationTimestamp(),
            over(old.labels(), given.metadata().labels()),
            over(old.annotations(), given.metadata().annotations())),
        given.spec(),
        ResourceCodec.replaced(stored, given),
        stored.revision());
  }

  /**
   * Deletes a resource whatever its revision.
   *
   * @throws NotFoundException when there is none
   * @throws InvalidResourceException when others need it
   */
  public void delete(ResourceKey key) throws DatastoreException {
    delete(key, 0);
  }

  /**
   * Deletes a resource.
   *
   * @param revision the revision that it must have; 0 for any
   * @throws NotFoundException when there is none
   * @throws ConflictException when it has another revision
   * @throws InvalidResourceException when others need it
   */
  public void delete(ResourceKey key, long revision) throws DatastoreException {
    refuseDefaultAllow(key);
    new ResourceRelations(this, datastore).checkDelete(key);
    Entry stored = entry(key);
    refuseStale(key, revision, stored.revision());
    Transaction.Builder transaction = Transaction.builder();
    long unused =
        datastore.commit(
            (revision == 0
                    ? transaction.delete(stored.key())
                    : transaction.delete(stored.key(), revision))
                .build());
  }

  private static <S> Resource<S> at(Resource<S> resource, long revision) {
    return new Resource<>(
        resource.kind(), resource.metadata(), resource.spec(), resource.document(), revision);
  }
}
