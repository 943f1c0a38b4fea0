package io.calico4j.core.setting;

import java.util.Map;

/** The values of a table's settings, as they hold. */
public final class SettingValues {
  private final Map<Setting<?>, Object> values;

  SettingValues(Map<Setting<?>, Object> values) {
    this.values = Map.copyOf(values);
  }

  /** Returns a setting's value; throws when the setting is not in the table. */
  @SuppressWarnings("unchecked") // Settings puts in what the setting's own type has made.
  public <T> T get(Setting<T> setting) {
    Object value = values.get(setting);
    if (value == null) {
      throw new IllegalArgumentException(setting.name() + " is not in this table");
    }
    return (T) value;
  }
}
