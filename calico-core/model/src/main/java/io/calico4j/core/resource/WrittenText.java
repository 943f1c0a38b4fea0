package io.calico4j.core.resource;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;

/**
 * Text that was written without quotes, so that YAML took it for a number or a boolean. Upstream's
 * parser makes text of it where the field takes text.
 */
final class WrittenText {
  private WrittenText() {}

  /** Returns the text of a number or boolean, and all else as it is. */
  static JsonElement of(JsonElement value) {
    if (!(value instanceof JsonPrimitive primitive) || primitive.isString()) {
      return value;
    }
    return new JsonPrimitive(
        primitive.isNumber() && primitive.getAsNumber() instanceof WrittenNumber number
            ? number.text()
            : primitive.getAsString());
  }

  /** Returns the text of a number with a fraction, for a field that takes integers and text. */
  static JsonElement ofFraction(JsonElement value) {
    return value instanceof JsonPrimitive primitive
            && primitive.isNumber()
            && primitive.getAsNumber() instanceof WrittenNumber number
            && !number.isInteger()
        ? of(value)
        : value;
  }

  /** Makes text of all values of a map of texts; null is the empty text. */
  static void ofMap(JsonObject map) {
    for (String key : List.copyOf(map.keySet())) {
      JsonElement value = map.get(key);
      map.add(key, value.isJsonNull() ? new JsonPrimitive("") : of(value));
    }
  }
}
