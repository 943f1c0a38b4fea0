package io.calico4j.calicoctl;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ValidationException;

/** What {@code --namespace} means, as in upstream's {@code handleNamespace}. */
final class Namespaces {
  private Namespaces() {}

  /**
   * Returns the resource in the namespace that the option names, if it names none itself.
   *
   * @param option the value of the option; empty when it is not given
   * @throws ValidationException when option and resource contradict each other
   */
  static <S> Resource<S> inNamespace(Resource<S> resource, String option)
      throws ValidationException {
    String own = resource.metadata().namespace();
    boolean given = own != null && !own.isEmpty();
    if (!resource.kind().namespaced()) {
      if (given || !option.isEmpty()) {
        throw new ValidationException(
            resource.key()
                + (given ? " metadata.namespace" : " --namespace")
                + ": "
                + resource.kind().kind()
                + " is not in a namespace: remove it",
            null);
      }
      return resource;
    }
    if (given && !option.isEmpty() && !option.equals(own)) {
      throw new ValidationException(
          resource.key() + " metadata.namespace: is not that of --namespace " + option, null);
    }
    return given || option.isEmpty() ? resource : resource.withMetadata(in(resource, option));
  }

  private static Metadata in(Resource<?> resource, String namespace) {
    Metadata old = resource.metadata();
    return new Metadata(
        old.name(), namespace, old.uid(), old.creationTimestamp(), old.labels(), old.annotations());
  }

  /** Returns the key of a name on the command line. */
  static ResourceKey key(ResourceKind<?> kind, String option, String name) {
    String namespace = option.isEmpty() ? "default" : option;
    return new ResourceKey(kind, kind.namespaced() ? namespace : "", name);
  }
}
