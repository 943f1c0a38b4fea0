package io.calico4j.core.model;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A resource's metadata, as in Kubernetes.
 *
 * @param name the name
 * @param namespace the namespace; null for global kinds
 * @param uid a random UUID, set at create
 * @param creationTimestamp RFC 3339 in UTC with whole seconds, set at create; may be null
 * @param labels labels
 * @param annotations annotations
 */
public record Metadata(
    String name,
    @Nullable String namespace,
    @Nullable String uid,
    @Nullable String creationTimestamp,
    Map<String, String> labels,
    Map<String, String> annotations) {
  /** Copies the maps; absent ones become empty. */
  public Metadata {
    labels = Lists.copy(labels);
    annotations = Lists.copy(annotations);
  }

  /** Makes metadata with a name only; for a namespaced kind give the namespace too. */
  public static Metadata named(@Nullable String namespace, String name) {
    return new Metadata(name, namespace, null, null, Map.of(), Map.of());
  }

  /** Returns a copy with other labels. */
  public Metadata withLabels(Map<String, String> newLabels) {
    return new Metadata(name, namespace, uid, creationTimestamp, newLabels, annotations);
  }

  /** Returns a copy with other annotations. */
  public Metadata withAnnotations(Map<String, String> newAnnotations) {
    return new Metadata(name, namespace, uid, creationTimestamp, labels, newAnnotations);
  }
}
