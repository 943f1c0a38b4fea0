package io.calico4j.core.resource;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.reflect.TypeToken;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
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
          .registerTypeAdapter(Double.class, new GoFloat())
          .registerTypeAdapter(AsNumber.class, new NumberOrText<>(AsNumber::parse))
          .create();

  /** The JVM makes the components of a record anew whenever it is asked. */
  private static final ClassValue<List<RecordComponent>> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected List<RecordComponent> computeValue(Class<?> type) {
          return List.of(type.getRecordComponents());
        }
      };

  private Json() {}

  /** Writes text, with the three characters escaped that Go's encoder escapes. */
  static String text(JsonElement element) {
    return GSON.toJson(element)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026");
  }

  /**
   * Reads a value.
   *
   * @throws JsonParseException when it has not the form of the type, whatever Gson's own reason
   */
  static <T> T read(JsonElement element, Class<T> type) {
    try {
      return GSON.fromJson(element, type);
    } catch (JsonParseException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new JsonParseException(e);
    }
  }

  /**
   * A resource as it is stored, as far as it is of concern.
   *
   * @param metadata null when it is missing
   * @param spec null when it is missing
   */
  record Stored<S>(@Nullable Metadata metadata, @Nullable S spec) {}

  /**
   * Reads a resource.
   *
   * @return null when the text is null, or nothing
   * @throws JsonParseException when it has not the form of the type, whatever Gson's own reason
   */
  @SuppressWarnings("unchecked")
  static <S> @Nullable Stored<S> read(String text, Class<S> specType) {
    try {
      return (Stored<S>)
          GSON.fromJson(text, TypeToken.getParameterized(Stored.class, specType).getType());
    } catch (JsonParseException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new JsonParseException(e);
    }
  }

  /**
   * Lays the known fields of {@code over} upon {@code base}: a field that {@code known} has but
   * {@code over} lacks is removed, a field nobody here knows stays. A list's element that says the
   * same as before stays as it was written.
   */
  static JsonObject merge(JsonObject base, JsonObject over, Class<?> known) {
    JsonObject merged = base.deepCopy();
    for (RecordComponent component : COMPONENTS.get(known)) {
      String name = component.getName();
      JsonElement value = over.get(name);
      if (value == null || isEmptyList(value) || isEmptyMap(value, component.getType())) {
        merged.remove(name);
      } else if (value.isJsonObject()
          && component.getType().isRecord()
          && merged.get(name) instanceof JsonObject inner) {
        merged.add(name, merge(inner, value.getAsJsonObject(), component.getType()));
      } else if (merged.get(name) instanceof JsonArray before
          && component.getGenericType() instanceof ParameterizedType list
          && list.getActualTypeArguments()[0] instanceof Class<?> type
          && type.isRecord()) {
        merged.add(name, mergeList(before, value.getAsJsonArray(), type));
      } else {
        merged.add(name, value);
      }
    }
    return merged;
  }

  private static JsonArray mergeList(JsonArray before, JsonArray after, Class<?> type) {
    List<JsonElement> unused = new ArrayList<>(before.asList());
    List<JsonElement> meanings = new ArrayList<>();
    unused.forEach(element -> meanings.add(GSON.toJsonTree(read(element, type))));
    JsonArray merged = new JsonArray();
    for (JsonElement element : after) {
      int same = meanings.indexOf(element);
      if (same >= 0) {
        meanings.remove(same);
      }
      merged.add(same >= 0 ? unused.remove(same) : element);
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

  /** Writes a number as Go's encoding/json does: 10, not 10.0. */
  private static final class GoFloat extends TypeAdapter<Double> {
    /** From here on Go writes an exponent. */
    private static final double LARGE = 1e21;

    private static final double SMALL = 1e-6;

    @Override
    public void write(JsonWriter out, @Nullable Double value) throws IOException {
      if (value == null) {
        out.nullValue();
        return;
      }
      double size = Math.abs(value);
      boolean plain = size == 0 || size >= SMALL && size < LARGE;
      BigDecimal number = BigDecimal.valueOf(value).stripTrailingZeros();
      out.value(plain ? new BigDecimal(number.toPlainString()) : number);
    }

    @Override
    public @Nullable Double read(JsonReader in) throws IOException {
      if (in.peek() == JsonToken.NULL) {
        in.nextNull();
        return null;
      }
      double value = in.nextDouble();
      if (!Double.isFinite(value)) {
        throw new JsonParseException("a number is out of range at " + in.getPath());
      }
      return value;
    }
  }
}
