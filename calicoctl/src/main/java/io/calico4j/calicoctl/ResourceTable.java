package io.calico4j.calicoctl;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.model.ResourceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What {@code get} shows of resources in a table. */
final class ResourceTable {
  private static final Map<ResourceKind<?>, List<String>> COLUMNS =
      Map.of(
          ResourceKind.IP_POOL, List.of("cidr", "nodeSelector"),
          ResourceKind.WORKLOAD_ENDPOINT, List.of("node", "ipNetworks", "interfaceName"),
          ResourceKind.NODE, List.of("bgp.asNumber", "bgp.ipv4Address"),
          ResourceKind.GLOBAL_NETWORK_POLICY, List.of("order", "selector"),
          ResourceKind.NETWORK_POLICY, List.of("order", "selector"),
          ResourceKind.BGP_PEER, List.of("peerIP", "node", "asNumber"),
          ResourceKind.TIER, List.of("order", "defaultAction"));

  private static final Map<ResourceKind<?>, List<String>> WIDE =
      Map.of(
          ResourceKind.IP_POOL, List.of("natOutgoing", "ipipMode", "vxlanMode", "disabled"),
          ResourceKind.WORKLOAD_ENDPOINT, List.of("containerID", "endpoint", "profiles", "mac"));

  private static final Column NAMESPACE = new Column("NAMESPACE", List.of("metadata", "namespace"));
  private static final Column NAME = new Column("NAME", List.of("metadata", "name"));

  private ResourceTable() {}

  /**
   * A column.
   *
   * @param title its title
   * @param path the members that lead to its value
   */
  record Column(String title, List<String> path) {}

  /** Returns the columns of a kind. */
  static List<Column> columns(ResourceKind<?> kind, boolean withNamespace, boolean wide) {
    List<Column> columns =
        new ArrayList<>(withNamespace ? List.of(NAMESPACE, NAME) : List.of(NAME));
    COLUMNS.getOrDefault(kind, List.of()).forEach(path -> columns.add(ofSpec(path)));
    if (wide) {
      WIDE.getOrDefault(kind, List.of()).forEach(path -> columns.add(ofSpec(path)));
      AnnotationColumns.of(kind)
          .forEach(
              column ->
                  columns.add(
                      new Column(
                          column.title(),
                          List.of("metadata", "annotations", column.annotation()))));
    }
    return columns;
  }

  private static Column ofSpec(String path) {
    String title = path.substring(path.lastIndexOf('.') + 1).toUpperCase(Locale.ROOT);
    List<String> whole = new ArrayList<>(List.of("spec"));
    whole.addAll(List.of(path.split("\\.", -1)));
    return new Column(title, List.copyOf(whole));
  }

  /** Returns the titles that a kind has. */
  static List<String> titles(ResourceKind<?> kind) {
    return columns(kind, kind.namespaced(), true).stream().map(Column::title).toList();
  }

  /** Returns the column of a title, in either letter case, or of a path; empty for neither. */
  static Optional<Column> column(ResourceKind<?> kind, String text) {
    if (text.startsWith("spec.") || text.startsWith("metadata.")) {
      return Optional.of(new Column(text, List.of(text.split("\\.", -1))));
    }
    return columns(kind, kind.namespaced(), true).stream()
        .filter(column -> column.title().equalsIgnoreCase(text))
        .findFirst();
  }

  /** Makes the table. */
  static Table of(List<Column> columns, List<JsonObject> resources) {
    Table table = new Table(columns.stream().map(Column::title).toList());
    for (JsonObject resource : resources) {
      table.row(columns.stream().map(column -> cell(resource, column.path())).toList());
    }
    return table;
  }

  /** Returns the text of a cell. */
  static String cell(JsonObject resource, List<String> path) {
    @Nullable JsonElement at = resource;
    for (String member : path) {
      at = at instanceof JsonObject object ? object.get(member) : null;
    }
    return text(at);
  }

  private static String text(@Nullable JsonElement value) {
    if (value == null || value.isJsonNull()) {
      return "";
    }
    if (value instanceof JsonArray list) {
      List<String> texts = new ArrayList<>();
      list.forEach(e -> texts.add(e.isJsonPrimitive() ? e.getAsString() : e.toString()));
      return String.join(",", texts);
    }
    return value.isJsonPrimitive() ? value.getAsString() : value.toString();
  }
}
