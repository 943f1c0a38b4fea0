package io.calico4j.calicoctl;

import com.google.gson.JsonObject;
import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.UserResources;
import io.calico4j.core.resource.ValidationException;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Changes the document of one stored resource: it is read, changed, checked like what a file says,
 * and written if nothing has changed it meanwhile; else all of that is done again.
 */
final class ResourceEdit {
  /** What a change must leave as it is: it would be another resource. */
  private static final List<String> IDENTITY = List.of("name", "namespace", "uid");

  private static final Retry AGAIN = Retry.refused(5, List.of(ConflictException.class));

  private ResourceEdit() {}

  /**
   * Changes a resource.
   *
   * @param change from the stored document to the one that is to be stored
   * @throws NotFoundException when there is no such resource
   * @throws InvalidResourceException when the changed document is not valid
   */
  static void run(ResourceClient client, ResourceKey key, UnaryOperator<JsonObject> change)
      throws DatastoreException {
    if (key.kind().equals(ResourceKind.CLUSTER_INFORMATION)) {
      throw new InvalidResourceException(
          key + " is read-only: calico-node writes it, and needs it", null);
    }
    Resource<?> unused =
        AGAIN.run(DatastoreException.class, () -> once(client, key.kind(), key, change));
  }

  private static <S> Resource<S> once(
      ResourceClient client,
      ResourceKind<S> kind,
      ResourceKey key,
      UnaryOperator<JsonObject> change)
      throws DatastoreException {
    Resource<S> stored =
        client
            .get(kind, key.namespace(), key.name())
            .orElseThrow(() -> new NotFoundException(key + " does not exist", null));
    JsonObject before = ResourceCodec.toJson(stored);
    JsonObject after = change.apply(before.deepCopy());
    requireSame(key, before, after);
    return write(client, key, stored.revision(), after);
  }

  @SuppressWarnings("unchecked") // The kind is that of the stored document.
  private static <S> Resource<S> write(
      ResourceClient client, ResourceKey key, long revision, JsonObject document)
      throws DatastoreException {
    Resource<?> parsed;
    try {
      parsed = UserResources.parse(document);
    } catch (ValidationException e) {
      throw new InvalidResourceException(String.valueOf(e.getMessage()), e);
    }
    if (parsed.revision() != revision) {
      throw new InvalidResourceException(
          "update conflict: "
              + key
              + " metadata.resourceVersion "
              + parsed.revision()
              + " is not the stored one, "
              + revision,
          null);
    }
    return client.update((Resource<S>) parsed);
  }

  private static void requireSame(ResourceKey key, JsonObject before, JsonObject after)
      throws InvalidResourceException {
    for (String field : List.of("kind", "apiVersion")) {
      if (!before.get(field).equals(after.get(field))) {
        throw cannotChange(key, field);
      }
    }
    JsonObject metadata = before.getAsJsonObject("metadata");
    if (!(after.get("metadata") instanceof JsonObject changed)) {
      throw cannotChange(key, "metadata");
    }
    for (String field : IDENTITY) {
      if (metadata.has(field) && !metadata.get(field).equals(changed.get(field))) {
        throw cannotChange(key, "metadata." + field);
      }
    }
  }

  private static InvalidResourceException cannotChange(ResourceKey key, String field) {
    return new InvalidResourceException(
        key + " " + field + " cannot be changed: create another resource", null);
  }
}
