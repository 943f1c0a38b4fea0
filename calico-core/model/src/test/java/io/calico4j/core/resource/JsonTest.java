package io.calico4j.core.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers as Go's encoding/json writes a float64. */
class JsonTest {
  @ParameterizedTest
  @CsvSource({
    "10, 10",
    "1000, 1000",
    "-3, -3",
    "0.5, 0.5",
    "100.25, 100.25",
    "0, 0",
    "0.000001, 0.000001",
    "123456789012, 123456789012"
  })
  void wholeNumbersHaveNoFraction(double value, String text) {
    assertThat(Json.GSON.toJson(value, Double.class)).isEqualTo(text);
    assertThat(Json.read(new JsonPrimitive(value), Double.class)).isEqualTo(value);
  }

  @Test
  void whatIsNoFiniteNumberIsRefused() {
    assertThatThrownBy(() -> Json.GSON.fromJson("1e400", Double.class))
        .isInstanceOf(JsonParseException.class);
  }
}
