package io.calico4j.core.model;

import java.util.Optional;

/**
 * Identifies a resource.
 *
 * @param kind the kind
 * @param namespace the namespace; empty for global kinds
 * @param name the name as the user gave it
 */
public record ResourceKey(ResourceKind<?> kind, String namespace, String name) {
  /** Makes the key of a global resource. */
  public static ResourceKey of(ResourceKind<?> kind, String name) {
    return new ResourceKey(kind, kind.namespaced() ? "default" : "", name);
  }

  /** Returns the etcd key. */
  public String path() {
    return kind.prefix() + (kind.namespaced() ? namespace + "/" : "") + name;
  }

  /** Reads an etcd key; empty when it is not a resource of a known kind. */
  public static Optional<ResourceKey> parse(String path) {
    if (!path.startsWith(ResourceKind.ROOT)) {
      return Optional.empty();
    }
    String rest = path.substring(ResourceKind.ROOT.length());
    int slash = rest.indexOf('/');
    if (slash < 0) {
      return Optional.empty();
    }
    String plural = rest.substring(0, slash);
    String name = rest.substring(slash + 1);
    for (ResourceKind<?> kind : ResourceKind.all()) {
      if (kind.plural().equals(plural)) {
        int inner = name.indexOf('/');
        if (kind.namespaced() != inner >= 0 || name.isEmpty()) {
          return Optional.empty();
        }
        return Optional.of(
            inner < 0
                ? new ResourceKey(kind, "", name)
                : new ResourceKey(kind, name.substring(0, inner), name.substring(inner + 1)));
      }
    }
    return Optional.empty();
  }

  /** Prints {@code Kind(namespace/name)}. */
  @Override
  public String toString() {
    return kind.kind() + "(" + (kind.namespaced() ? namespace + "/" : "") + name + ")";
  }
}
