package io.calico4j.core.resource;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.Resource;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The table of fields that are stored and that nothing here acts upon ({@code without-effect.txt}
 * beside this class). FelixConfiguration's are in a table of their own ({@code
 * io.calico4j.core.felix}).
 */
public final class FieldsWithoutEffect {
  /** How the reason of a field begins that is without effect by its nature. */
  private static final String NOTE = "note:";

  private static final FieldsWithoutEffect INSTANCE = load();

  /** By {@code TYPE.FIELD} of {@code fields.txt}, why. */
  private final Map<String, String> fields = new TreeMap<>();

  /** By {@code TYPE.FIELD=VALUE}, why. */
  private final Map<String, String> values = new TreeMap<>();

  private FieldsWithoutEffect() {}

  private static FieldsWithoutEffect load() {
    FieldsWithoutEffect table = new FieldsWithoutEffect();
    try (InputStream in = FieldsWithoutEffect.class.getResourceAsStream("without-effect.txt")) {
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .forEach(
              line -> {
                int blank = line.indexOf(' ');
                String name = line.substring(0, blank);
                (name.contains("=") ? table.values : table.fields)
                    .put(name, line.substring(blank + 1));
              });
    } catch (IOException e) {
      throw new UncheckedIOException("the table of fields without effect is missing", e);
    }
    return table;
  }

  /** Returns the fields of the table, as {@code TYPE.FIELD} or {@code TYPE.FIELD=VALUE}. */
  public static Set<String> names() {
    Set<String> names = new TreeSet<>(INSTANCE.fields.keySet());
    names.addAll(INSTANCE.values.keySet());
    return names;
  }

  /** Says of each field that is set in a resource and has no effect, that and why. */
  public static List<String> of(Resource<?> resource) {
    String kind = resource.kind().kind();
    Set<String> found = new LinkedHashSet<>();
    if (resource.document().get("spec") instanceof JsonObject spec) {
      INSTANCE.object(kind, "spec", spec, found);
      // Of a node's own BGPConfiguration only some fields are read.
      if (kind.equals("BGPConfiguration") && resource.metadata().name().startsWith("node.")) {
        INSTANCE.object("BGPConfiguration/node", "spec", spec, found);
      }
    }
    String title = kind + "(" + resource.metadata().name() + ") ";
    return found.stream().map(text -> title + text).toList();
  }

  private void object(String type, String path, JsonObject object, Set<String> found) {
    Map<String, String> inner = FieldTable.typesOf(type);
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      String at = path + "." + entry.getKey();
      JsonElement value = entry.getValue();
      if (isSet(value)) {
        String name = type + "." + entry.getKey();
        String reason = fields.get(name);
        String text = value instanceof JsonPrimitive one ? one.getAsString() : "";
        if (reason == null) {
          reason = values.get(name + "=" + text);
          at = reason == null ? at : at + " " + text;
        }
        if (reason != null && reason.startsWith(NOTE)) {
          continue;
        }
        if (reason != null) {
          found.add(at + " has no effect here: " + reason);
        } else {
          elements(value)
              .forEach(
                  one ->
                      object(
                          inner.getOrDefault(entry.getKey(), ""),
                          path + "." + entry.getKey(),
                          one,
                          found));
        }
      }
    }
  }

  private static List<JsonObject> elements(JsonElement value) {
    List<JsonObject> objects = new ArrayList<>();
    if (value instanceof JsonObject object) {
      objects.add(object);
    } else if (value instanceof JsonArray list) {
      list.forEach(element -> objects.addAll(elements(element)));
    }
    return objects;
  }

  private static boolean isSet(JsonElement value) {
    return !value.isJsonNull()
        && !(value instanceof JsonArray list && list.isEmpty())
        && !(value instanceof JsonObject object && object.size() == 0)
        && !(value instanceof JsonPrimitive one && one.isString() && one.getAsString().isEmpty());
  }
}
