package io.calico4j.core.resource;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The table of every field that a spec may have, with its type and limits ({@code fields.txt}
 * beside this class). It holds the fields that only other tools act upon too, so that a resource
 * written for them is accepted and a misspelt field is not.
 */
final class FieldTable {
  private static final FieldTable INSTANCE = load();
  private static final Pattern RANGE = Pattern.compile("(\\d+)\\.\\.(\\d+)");
  private static final Pattern LENGTH = Pattern.compile("<=(\\d+)");

  private final Map<String, Map<String, Field>> types = new TreeMap<>();

  private record Field(String type, String limit) {}

  private FieldTable() {}

  /** Checks a spec of a kind against the table. */
  static void check(String kind, JsonObject spec, Problems problems) {
    INSTANCE.object("spec.", kind, spec, problems);
  }

  /** Returns, by the fields of a type, the types of the objects that are in them. */
  static Map<String, String> typesOf(String type) {
    Map<String, String> found = new TreeMap<>();
    INSTANCE
        .types
        .getOrDefault(type, Map.of())
        .forEach((name, field) -> found.put(name, field.type().replaceAll("[\\[\\]]", "")));
    return found;
  }

  /** Makes text of the numbers and booleans that were written where the table has text. */
  static void makeTexts(String kind, JsonObject spec) {
    INSTANCE.texts(kind, spec);
  }

  private void texts(String type, JsonObject object) {
    Map<String, Field> fields = types.getOrDefault(type, Map.of());
    for (String name : List.copyOf(object.keySet())) {
      Field field = fields.get(name);
      if (field != null) {
        object.add(name, text(field.type(), object.get(name)));
      }
    }
  }

  private JsonElement text(String type, JsonElement value) {
    if (type.startsWith("[") && value instanceof JsonArray list) {
      String element = type.substring(1, type.length() - 1);
      for (int i = 0; i < list.size(); i++) {
        list.set(i, text(element, list.get(i)));
      }
    } else if (value instanceof JsonObject object) {
      if (type.equals("map")) {
        WrittenText.ofMap(object);
      } else {
        texts(type, object);
      }
    } else if (Set.of("string", "ipv4", "ipv6").contains(type)) {
      return WrittenText.of(value);
    } else if (type.equals("scalar")) {
      return WrittenText.ofFraction(value);
    }
    return value;
  }

  /** Returns the names of a kind's fields. */
  static Set<String> fieldsOf(String kind) {
    return INSTANCE.types.getOrDefault(kind, Map.of()).keySet();
  }

  private static FieldTable load() {
    FieldTable table = new FieldTable();
    try (InputStream in = FieldTable.class.getResourceAsStream("fields.txt")) {
      String section = "";
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("[")) {
          section = line.substring(1, line.length() - 1);
        } else if (!line.isEmpty() && !line.startsWith("#")) {
          List<String> words = Pattern.compile(" ").splitAsStream(line).toList();
          table
              .types
              .computeIfAbsent(section, s -> new TreeMap<>())
              .put(words.get(0), new Field(words.get(1), words.size() > 2 ? words.get(2) : ""));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the table of fields is missing from the jar", e);
    }
    return table;
  }

  private void object(String path, String type, JsonObject object, Problems problems) {
    Map<String, Field> fields = types.getOrDefault(type, Map.of());
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      Field field = fields.get(entry.getKey());
      if (field == null) {
        problems.add(path + entry.getKey(), "unknown field, known are " + fields.keySet());
      } else if (!entry.getValue().isJsonNull()) {
        value(path + entry.getKey(), field, entry.getValue(), problems);
      }
    }
  }

  private void value(String path, Field field, JsonElement value, Problems problems) {
    String type = field.type();
    if (type.startsWith("[")) {
      if (value instanceof JsonArray list) {
        Field element = new Field(type.substring(1, type.length() - 1), field.limit());
        for (int i = 0; i < list.size(); i++) {
          value(path + "[" + i + "]", element, list.get(i), problems);
        }
      } else {
        problems.add(path, "is not a list");
      }
    } else if (types.containsKey(type)) {
      if (value instanceof JsonObject object) {
        object(path + ".", type, object, problems);
      } else {
        problems.add(path, "is not an object");
      }
    } else if (!hasType(type, value)) {
      problems.add(path, value + " is not " + article(type));
    } else {
      limit(path, field, value, problems);
    }
  }

  private static String article(String type) {
    return switch (type) {
      case "integer" -> "an integer";
      case "map" -> "an object";
      case "scalar" -> "a number or a string";
      case "boolean" -> "true or false";
      case "ipv4" -> "an IPv4 address";
      case "ipv6" -> "an IPv6 address";
      default -> "a " + type;
    };
  }

  private static boolean hasType(String type, JsonElement value) {
    if (type.equals("map")) {
      return value.isJsonObject();
    }
    if (!(value instanceof JsonPrimitive primitive)) {
      return false;
    }
    return switch (type) {
      case "string" -> primitive.isString();
      case "ipv4", "ipv6" -> primitive.isString() && isAddress(type, primitive.getAsString());
      case "boolean" -> primitive.isBoolean();
      case "number" -> primitive.isNumber();
      case "integer" -> primitive.isNumber() && primitive.getAsString().matches("-?\\d{1,18}");
      case "scalar" -> primitive.isNumber() || primitive.isString();
      default -> throw new AssertionError("fields.txt has an unknown type " + type);
    };
  }

  /** The empty text counts as not given. */
  private static boolean isAddress(String type, String text) {
    return text.isEmpty()
        || IpAddress.tryParse(text).filter(a -> a.isV4() == type.equals("ipv4")).isPresent();
  }

  private static void limit(String path, Field field, JsonElement value, Problems problems) {
    String limit = field.limit();
    Matcher range = RANGE.matcher(limit);
    Matcher length = LENGTH.matcher(limit);
    String text = value.isJsonPrimitive() ? value.getAsString() : "";
    if (limit.isEmpty()) {
      return;
    }
    if (range.matches()) {
      long number = value.getAsLong();
      if (number < Long.parseLong(range.group(1)) || number > Long.parseLong(range.group(2))) {
        problems.add(path, number + " is not within " + range.group(1) + " to " + range.group(2));
      }
    } else if (limit.startsWith("~")) {
      if (!text.isEmpty() && !Pattern.matches(limit.substring(1), text)) {
        problems.add(path, "\"" + text + "\" has not the form " + limit.substring(1));
      }
    } else if (length.matches()) {
      if (text.length() > Integer.parseInt(length.group(1))) {
        problems.add(
            path, "has " + text.length() + " characters, at most " + length.group(1) + " can be");
      }
    } else {
      List<String> allowed = new ArrayList<>(Pattern.compile("\\|").splitAsStream(limit).toList());
      if (!allowed.contains(text)) {
        problems.add(path, "\"" + text + "\" is none of " + allowed);
      }
    }
  }
}
