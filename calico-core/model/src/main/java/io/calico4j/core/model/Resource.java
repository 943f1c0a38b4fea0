package io.calico4j.core.model;

import com.google.gson.JsonObject;

/**
 * A resource as read or to be written.
 *
 * @param <S> the spec's type
 * @param kind the kind
 * @param metadata the metadata
 * @param spec the spec
 * @param document the JSON it was read from, so that fields unknown here survive; empty for a new
 *     one. Never changed: encoding lays metadata and spec over a copy.
 * @param revision the modification revision it was read at; 0 for a new one
 */
public record Resource<S>(
    ResourceKind<S> kind, Metadata metadata, S spec, JsonObject document, long revision) {
  /** Makes a new resource. */
  public static <S> Resource<S> create(ResourceKind<S> kind, Metadata metadata, S spec) {
    return new Resource<>(kind, metadata, spec, new JsonObject(), 0);
  }

  /** Returns the key. */
  public ResourceKey key() {
    String namespace = metadata.namespace();
    return new ResourceKey(
        kind,
        kind.namespaced() ? (namespace == null ? "default" : namespace) : "",
        metadata.name());
  }

  /** Returns a copy with another spec. */
  public Resource<S> withSpec(S newSpec) {
    return new Resource<>(kind, metadata, newSpec, document, revision);
  }

  /** Returns a copy with other metadata. */
  public Resource<S> withMetadata(Metadata newMetadata) {
    return new Resource<>(kind, newMetadata, spec, document, revision);
  }
}
