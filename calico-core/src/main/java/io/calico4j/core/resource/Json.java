package io.calico4j.core.resource;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import java.io.IOException;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** JSON as Calico writes it: numbers where a value is one, names otherwise. */
final class Json {
  static final Gson GSON =
      new GsonBuilder()
          .disableHtmlEscaping()
          .registerTypeAdapter(Protocol.class, new NumberOrText<>(Protocol::parse))
          .registerTypeAdapter(PortMatch.class, new NumberOrText<>(PortMatch::parse))
          .registerTypeAdapter(AsNumber.class, new NumberOrText<>(AsNumber::parse))
          .create();

  private Json() {}

  /** Writes text, with the three characters escaped that Go's encoder escapes. */
  static String text(JsonElement element) {
    return GSON.toJson(element)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026");
  }

  /**
   * Lays the known fields of {@code over} upon {@code base}: a field that {@code known} has but
   * {@code over} lacks is removed, a field nobody here knows stays.
   */
  static JsonObject merge(JsonObject base, JsonObject over, Class<?> known) {
    JsonObject merged = base.deepCopy();
    for (var component : known.getRecordComponents()) {
      String name = component.getName();
      JsonElement value = over.get(name);
      if (value == null || isEmptyList(value) || isEmptyMap(value, component.getType())) {
        merged.remove(name);
      } else if (value.isJsonObject()
          && component.getType().isRecord()
          && merged.get(name) instanceof JsonObject inner) {
        merged.add(name, merge(inner, value.getAsJsonObject(), component.getType()));
      } else {
        merged.add(name, value);
      }
    }
    return merged;
  }

  private static boolean isEmptyList(JsonElement value) {
    return value.isJsonArray() && value.getAsJsonArray().isEmpty();
  }

  private static boolean isEmptyMap(JsonElement value, Class<?> type) {
    return type == Map.class && value.isJsonObject() && value.getAsJsonObject().isEmpty();
  }

  private static final class NumberOrText<T> extends TypeAdapter<T> {
    private final Function<String, T> parse;

    NumberOrText(Function<String, T> parse) {
      this.parse = parse;
    }

    @Override
    public void write(JsonWriter out, @Nullable T value) throws IOException {
      if (value == null) {
        out.nullValue();
        return;
      }
      String text = value.toString();
      if (text.matches("[0-9]{1,10}")) {
        out.value(Long.parseLong(text));
      } else {
        out.value(text);
      }
    }

    @Override
    public @Nullable T read(JsonReader in) throws IOException {
      if (in.peek() == JsonToken.NULL) {
        in.nextNull();
        return null;
      }
      return parse.apply(in.nextString());
    }
  }
}
