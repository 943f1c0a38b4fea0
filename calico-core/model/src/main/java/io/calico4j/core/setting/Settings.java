package io.calico4j.core.setting;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * All settings of a component.
 *
 * @param component its name for people
 * @param all the settings, in the order in which they are documented
 */
public record Settings(String component, List<Setting<?>> all) {
  /** Checks that no name is there twice. */
  public Settings {
    all = List.copyOf(all);
    if (all.stream().map(Setting::name).distinct().count() != all.size()) {
      throw new IllegalArgumentException(component + " has two settings of one name");
    }
  }

  /**
   * Reads them all; settings that are lenient have their default where the value is bad.
   *
   * @param given by name; what is not in this table is left alone
   * @throws SettingsException naming every other bad value
   */
  public SettingValues read(Map<String, String> given) {
    check(List.of(this), given, warning -> {});
    Map<Setting<?>, Object> values = new HashMap<>();
    all.forEach(setting -> values.put(setting, valueOf(setting, given)));
    return new SettingValues(values);
  }

  private static <T> Object valueOf(Setting<T> setting, Map<String, String> given) {
    String text = setting.text(given);
    T value =
        text.isEmpty() ? setting.absent() : setting.type().parse(text).orElse(setting.absent());
    return value;
  }

  /**
   * Checks what is given against several tables at once. A setting of two tables counts once.
   *
   * @param warn told of each bad value that the default replaces
   * @throws SettingsException naming every bad value that is refused
   */
  public static void check(
      List<Settings> tables, Map<String, String> given, Consumer<String> warn) {
    List<String> refused = new ArrayList<>();
    tables.stream()
        .flatMap(table -> table.all().stream())
        .distinct()
        .forEach(
            setting ->
                setting
                    .problem(given)
                    .ifPresent(
                        setting.onBadValue() == OnBadValue.REFUSE ? refused::add : warn::accept));
    if (!refused.isEmpty()) {
      throw new SettingsException(refused);
    }
  }

  /** Returns the table as Markdown. */
  public String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("| ").append(component).append(" | default | values | a bad one | meaning |\n");
    text.append("|---|---|---|---|---|\n");
    for (Setting<?> setting : all) {
      text.append("| `")
          .append(setting.name())
          .append("` | ")
          .append(cell(setting.absentWords()))
          .append(" | ")
          .append(cell(setting.type().range()))
          .append(" | ")
          .append(setting.onBadValue().words())
          .append(" | ")
          .append(cell(setting.description()))
          .append(" |\n");
    }
    return text.toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|");
  }

  /** Returns the table for a terminal. */
  public String help() {
    StringBuilder text = new StringBuilder(component).append(":\n");
    for (Setting<?> setting : all) {
      text.append("  ")
          .append(setting.name())
          .append(" (")
          .append(setting.origin().words())
          .append("; default: ")
          .append(setting.absentWords())
          .append(")\n      ")
          .append(setting.description())
          .append("\n      ")
          .append(setting.type().range())
          .append("; on another value it ")
          .append(setting.onBadValue().words())
          .append('\n');
    }
    return text.toString();
  }
}
