package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain scalars, as goyaml.v2/resolve.go reads them. */
class GoScalarTest {
  @ParameterizedTest
  @CsvSource({
    "20:22, '\"20:22\"'",
    "190:20:30, '\"190:20:30\"'",
    "52:54:00:12:34:56, '\"52:54:00:12:34:56\"'",
    "2020-01-01, '\"2020-01-01\"'",
    "1.2.3.4, '\"1.2.3.4\"'",
    "1.10, 1.10",
    "0x1F, 31",
    "010, 8",
    "0o17, 15",
    "0b101, 5",
    "-0b101, -5",
    "1_000, 1000",
    "+12, 12",
    "08, 8",
    "089, 89",
    "1e3, 1000",
    ".5, 0.5",
    "12., 12",
    "1e, '\"1e\"'",
    "1.2.3, '\"1.2.3\"'",
    "-, '\"-\"'",
    "yes, true",
    "On, true",
    "y, true",
    "NO, false",
    "off, false",
    "yEs, '\"yEs\"'",
    "~, null",
    "Null, null",
    "<<, '\"<<\"'",
    "18446744073709551616, 18446744073709551616",
  })
  void aPlainScalarIsReadAsUpstreamReadsIt(String text, String json) {
    assertThat(GoScalar.resolve(text).toString()).isEqualTo(json);
    assertThat(GoScalar.isText(text)).isEqualTo(json.startsWith("\""));
  }

  @ParameterizedTest
  @ValueSource(strings = {".inf", "-.Inf", ".nan"})
  void whatJsonCannotSayIsRefused(String text) {
    assertThatThrownBy(() -> GoScalar.resolve(text)).hasMessageContaining("quote it");
  }
}
