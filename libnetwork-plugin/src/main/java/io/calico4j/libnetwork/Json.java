package io.calico4j.libnetwork;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;

/** Reads members of JSON objects that others wrote: what is absent, null or odd is empty. */
final class Json {
  private Json() {}

  /** Parses an object; nothing is an empty one. */
  static JsonObject parse(String text) throws RefusedException {
    if (text.isBlank()) {
      return new JsonObject();
    }
    try {
      if (JsonParser.parseString(text) instanceof JsonObject object) {
        return object;
      }
    } catch (JsonParseException e) {
      throw new RefusedException("the request is no JSON: " + e.getMessage(), e);
    }
    throw new RefusedException("the request is no JSON object");
  }

  /** Returns a text; empty when there is none. */
  static String text(JsonObject object, String name) {
    return object.get(name) instanceof JsonPrimitive value ? value.getAsString() : "";
  }

  /** Returns an object; empty when there is none. */
  static JsonObject object(JsonObject object, String name) {
    return object.get(name) instanceof JsonObject value ? value : new JsonObject();
  }

  /** Returns the objects of an array. */
  static List<JsonObject> objects(JsonObject object, String name) {
    return object.get(name) instanceof JsonArray array ? objects(array) : List.of();
  }

  /** Returns the objects of an array. */
  static List<JsonObject> objects(JsonArray array) {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonElement element : array) {
      if (element instanceof JsonObject object) {
        objects.add(object);
      }
    }
    return objects;
  }

  /** Tells whether a member is there and says more than "no". */
  static boolean isSet(JsonElement value) {
    if (value instanceof JsonPrimitive primitive) {
      return primitive.isBoolean() ? primitive.getAsBoolean() : !primitive.getAsString().isEmpty();
    }
    return value instanceof JsonObject object
        ? object.size() > 0
        : value instanceof JsonArray array && !array.isEmpty();
  }
}
