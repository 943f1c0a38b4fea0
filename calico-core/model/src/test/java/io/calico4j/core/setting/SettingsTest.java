package io.calico4j.core.setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
  private static final Setting<Integer> PORT =
      Setting.of("PORT", ValueType.port(), 80, "where it listens");
  private static final Setting<Boolean> LOUD =
      Setting.of("LOUD", ValueType.flag(), false, "says a|b")
          .lenient()
          .from(Origin.FELIX_ENVIRONMENT);
  private static final Setting<String> WORD =
      Setting.of("WORD", ValueType.secret("a word"), "", "opens").orElse("none");
  private static final Settings TABLE = new Settings("door", List.of(PORT, LOUD, WORD));

  @Test
  void allBadValuesAreNamedAtOnceOverAllTables() {
    Setting<String> side = Setting.of("SIDE", ValueType.oneOf("left", "right"), "left", "opens to");
    Map<String, String> given = Map.of("PORT", "70000", "loud", "perhaps", "SIDE", "up");
    List<String> warnings = new ArrayList<>();
    assertThatThrownBy(
            () ->
                Settings.check(
                    List.of(TABLE, new Settings("hinge", List.of(side, PORT))),
                    given,
                    warnings::add))
        .isInstanceOf(SettingsException.class)
        .hasMessage(
            "PORT \"70000\" must be a port, 0 to 65535: change it, or leave it out (default: 80);"
                + " SIDE \"up\" must be one of left, right: change it, or leave it out"
                + " (default: left)");
    assertThat(warnings)
        .containsExactly(
            "LOUD \"perhaps\" must be true, 1, yes, y, t, or false, 0, no, n, f: the default"
                + " (false) holds until it is changed");
  }

  @Test
  void theTableIsRenderedForReadmeAndTerminal() {
    assertThat(TABLE.markdown())
        .isEqualTo(
            """
            | door | default | values | a bad one | meaning |
            |---|---|---|---|---|
            | `PORT` | 80 | a port, 0 to 65535 | refuses to start | where it listens |
            | `LOUD` | false | true, 1, yes, y, t, or false, 0, no, n, f | warns and ignores it \
            | says a\\|b |
            | `WORD` | none | a word | refuses to start | opens |
            """);
    assertThat(new Settings("door", List.of(PORT)).help())
        .isEqualTo(
            """
            door:
              PORT (environment; default: 80)
                  where it listens
                  a port, 0 to 65535; on another value it refuses to start
            """);
  }

  @Test
  void aTableHasEachNameOnceAndKnowsItsOwnSettingsOnly() {
    assertThatThrownBy(() -> new Settings("door", List.of(PORT, PORT)))
        .hasMessageContaining("two settings of one name");
    SettingValues values = new Settings("hinge", List.of(LOUD)).read(Map.of());
    assertThatThrownBy(() -> values.get(PORT)).hasMessageContaining("PORT is not in this table");
  }

  @ParameterizedTest
  @CsvSource({"5,5000", "0,0", "0s,0", "1m30s,90000", "250ms,250", "1.5h,5400000"})
  void durationsAreSecondsOrGos(String text, long millis) {
    assertThat(ValueType.duration().parse(text).orElseThrow()).hasMillis(millis);
  }

  @ParameterizedTest
  @CsvSource({"soon", "10 s", "5s5", "-3s", "''", "1d"})
  void otherTextsAreNoDurations(String text) {
    assertThat(ValueType.duration().parse(text)).isEmpty();
  }

  @Test
  void aSecretIsNeverShown() {
    assertThat(WORD.type().shown().apply("sesame")).doesNotContain("sesame");
  }
}
