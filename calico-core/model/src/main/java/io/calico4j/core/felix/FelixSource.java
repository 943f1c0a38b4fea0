package io.calico4j.core.felix;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.resource.ResourceCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * A place where parameters are set.
 *
 * @param kind what it is
 * @param words which one it is, for people
 * @param given by name: a FelixConfiguration's fields, else parameters' names in any case
 */
public record FelixSource(Kind kind, String words, Map<String, String> given) {
  /** Where upstream's Felix looks for its file. */
  public static final Path FILE = Path.of("/etc/calico/felix.cfg");

  private static final String PREFIX = "FELIX_";

  /** A kind of place. */
  public enum Kind {
    /** Environment variables. */
    ENVIRONMENT,
    /** A file. */
    FILE,
    /** A FelixConfiguration. */
    RESOURCE
  }

  /** Returns the variables whose names begin with FELIX_, in any case. */
  public static FelixSource environment(Map<String, String> environment) {
    Map<String, String> given = byName();
    environment.forEach(
        (name, value) -> {
          if (name.regionMatches(true, 0, PREFIX, 0, PREFIX.length()) && !value.isEmpty()) {
            given.put(name.substring(PREFIX.length()), value);
          }
        });
    return new FelixSource(Kind.ENVIRONMENT, PREFIX, given);
  }

  /**
   * Reads a file of lines {@code Name = value}; section headers and comments ({@code #}, {@code ;})
   * are skipped. A file that is not there sets nothing.
   *
   * @param report told what cannot be read
   */
  public static FelixSource file(Path file, Consumer<String> report) {
    Map<String, String> given = byName();
    try {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i).strip();
        int equals = line.indexOf('=');
        if (line.isEmpty() || line.matches("[#;].*|\\[.*\\]")) {
          continue;
        }
        if (equals < 1) {
          report.accept(file + " line " + (i + 1) + " is not NAME = VALUE: it is ignored");
        } else if (equals < line.length() - 1) {
          given.put(line.substring(0, equals).strip(), line.substring(equals + 1).strip());
        }
      }
    } catch (IOException e) {
      report.accept(file + " cannot be read, and nothing of it is in force: " + e);
    }
    return new FelixSource(Kind.FILE, file.toString(), given);
  }

  /** Returns what a FelixConfiguration sets, also fields that are not known here. */
  public static FelixSource resource(Resource<FelixConfigurationSpec> resource) {
    Map<String, String> given = new TreeMap<>();
    // As it was read, however it is nested; only what was just made has no document.
    JsonObject document =
        resource.document().size() == 0 ? ResourceCodec.toJson(resource) : resource.document();
    JsonObject spec = document.get("spec") instanceof JsonObject object ? object : new JsonObject();
    spec.entrySet()
        .forEach(
            field -> {
              if (!field.getValue().isJsonNull()) {
                given.put(field.getKey(), text(field.getValue()));
              }
            });
    return new FelixSource(
        Kind.RESOURCE, "FelixConfiguration " + resource.metadata().name(), given);
  }

  private static Map<String, String> byName() {
    return new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  }

  /** Writes a field as upstream's Felix has it in a file. */
  private static String text(JsonElement value) {
    if (value instanceof JsonArray list) {
      return list.isEmpty()
          ? "none"
          : StreamSupport.stream(list.spliterator(), false)
              .map(element -> element instanceof JsonArray ? "[…]" : text(element))
              .collect(Collectors.joining(","));
    }
    if (value instanceof JsonObject object) {
      String first = part(object, "protocol").toLowerCase(Locale.ROOT);
      if (object.has("port")) {
        String net = part(object, "net");
        return (first.isEmpty() ? "tcp" : first)
            + ":"
            + (net.isEmpty() ? "" : net + ":")
            + part(object, "port");
      }
      if (object.has("min")) {
        return part(object, "min") + "-" + part(object, "max");
      }
      return object.size() == 0 ? "" : "{…}";
    }
    return value.isJsonPrimitive() ? value.getAsString() : "";
  }

  private static String part(JsonObject object, String name) {
    return object.get(name) instanceof JsonPrimitive part ? part.getAsString() : "";
  }

  /** Returns what is set for a parameter; empty when nothing is. */
  Optional<String> value(FelixParameter parameter) {
    return value(parameter.name(), parameter.field());
  }

  /** Returns what is set for a parameter of this name and field; empty when nothing is. */
  public Optional<String> value(String name, String field) {
    return Optional.ofNullable(given.get(kind == Kind.RESOURCE ? field : name))
        .filter(value -> !value.isEmpty());
  }

  /** Returns a parameter's name here. */
  String nameOf(FelixParameter parameter) {
    return kind == Kind.RESOURCE ? parameter.field() : parameter.name();
  }

  /** Tells whether a name that is given here is a parameter's. */
  boolean isNamed(FelixParameter parameter, String name) {
    return kind == Kind.RESOURCE
        ? parameter.field().equals(name)
        : !parameter.variable().isEmpty() && parameter.name().equalsIgnoreCase(name);
  }

  /** Returns where a name stands, for people. */
  public String describe(String name) {
    return kind == Kind.ENVIRONMENT ? words + name : words + " " + name;
  }
}
