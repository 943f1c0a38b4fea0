package io.calico4j.calicoctl;

import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Map;

/**
 * The columns of the wide table that show annotations. calicoctl knows of no orchestrator but what
 * is written here: who writes an annotation that operators look for adds a line.
 */
final class AnnotationColumns {
  /**
   * A column.
   *
   * @param annotation the annotation's key
   * @param title the column's
   */
  record Column(String annotation, String title) {}

  private static final Map<ResourceKind<?>, List<Column>> COLUMNS =
      Map.of(
          ResourceKind.WORKLOAD_ENDPOINT,
          List.of(
              new Column("io.calico4j/mesos-framework-id", "FRAMEWORK"),
              new Column("io.calico4j/mesos-task-ids", "TASKS"),
              new Column("io.calico4j/docker-container", "CONTAINER"),
              new Column("io.calico4j/docker-network", "DOCKER-NETWORK")));

  private AnnotationColumns() {}

  /** Returns the columns of a kind, from left to right. */
  static List<Column> of(ResourceKind<?> kind) {
    return COLUMNS.getOrDefault(kind, List.of());
  }
}
