package io.calico4j.core.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.setting.OnBadValue;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a test expects of one setting.
 *
 * @param name the setting's
 * @param absent the default
 * @param text a value other than the default; null where none is allowed
 * @param value what that is read as
 * @param bad a value that is not understood; null where every text is
 */
public record SettingExample(
    String name, Object absent, @Nullable String text, Object value, @Nullable String bad) {

  /** Checks a table against examples, of which there must be one for each setting. */
  public static void check(Settings table, List<SettingExample> examples) {
    assertThat(examples.stream().map(SettingExample::name).toList())
        .as(table.component())
        .containsExactlyInAnyOrderElementsOf(table.all().stream().map(Setting::name).toList());
    for (Setting<?> setting : table.all()) {
      examples.stream()
          .filter(example -> example.name().equals(setting.name()))
          .forEach(example -> example.check(table, setting));
    }
  }

  private void check(Settings table, Setting<?> setting) {
    assertThat(setting.description()).as(name).isNotBlank().doesNotContain("\n");
    if (text != null) {
      takes(table, setting, text);
    }
    assertThat((Object) table.read(Map.of()).get(setting)).as(name).isEqualTo(absent);
    assertThat((Object) table.read(Map.of(name, "")).get(setting)).as(name).isEqualTo(absent);
    if (bad != null) {
      names(table, setting, bad);
    }
  }

  private void takes(Settings table, Setting<?> setting, String text) {
    assertThat(value).as(name + ": the example is the default").isNotEqualTo(absent);
    assertThat((Object) table.read(Map.of(name, text)).get(setting)).as(name).isEqualTo(value);
    if (setting.origin().anyCase()) {
      String other =
          name.equals(name.toUpperCase(Locale.ROOT))
              ? name.toLowerCase(Locale.ROOT)
              : name.toUpperCase(Locale.ROOT);
      assertThat((Object) table.read(Map.of(other, text)).get(setting)).as(other).isEqualTo(value);
    }
  }

  private void names(Settings table, Setting<?> setting, String bad) {
    String shown = setting.type().shown().apply(bad);
    Map<String, String> given = Map.of(name, bad);
    if (setting.onBadValue() == OnBadValue.REFUSE) {
      assertThatThrownBy(() -> table.read(given))
          .hasMessageContaining(name + " \"" + shown + "\"")
          .hasMessageContaining("must be " + setting.type().range())
          .hasMessageContaining("leave it out");
      return;
    }
    List<String> warnings = new ArrayList<>();
    Settings.check(List.of(table), given, warnings::add);
    assertThat(warnings).as(name).hasSize(1);
    assertThat(warnings.get(0))
        .contains(name + " \"" + shown + "\"", "must be " + setting.type().range(), "the default");
    assertThat((Object) table.read(given).get(setting)).as(name).isEqualTo(absent);
  }
}
