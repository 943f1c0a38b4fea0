package io.calico4j.core.setting;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One thing that an operator may set. An empty value counts as not set.
 *
 * @param <T> what it is read as
 * @param name what the operator writes
 * @param type the allowed values
 * @param absent the value when it is not set
 * @param absentWords that value for people
 * @param origin where it comes from
 * @param onBadValue what a value that is not understood leads to
 * @param description one line
 */
public record Setting<T>(
    String name,
    ValueType<T> type,
    T absent,
    String absentWords,
    Origin origin,
    OnBadValue onBadValue,
    String description) {
  /** Makes an environment variable; a bad value of it is refused. */
  public static <T> Setting<T> of(String name, ValueType<T> type, T absent, String description) {
    String words = String.valueOf(absent);
    return new Setting<>(
        name,
        type,
        absent,
        words.isEmpty() ? "empty" : words,
        Origin.ENVIRONMENT,
        OnBadValue.REFUSE,
        description);
  }

  /** Returns a copy whose default is told in other words. */
  public Setting<T> orElse(String words) {
    return new Setting<>(name, type, absent, words, origin, onBadValue, description);
  }

  /** Returns a copy that comes from elsewhere. */
  public Setting<T> from(Origin other) {
    return new Setting<>(name, type, absent, absentWords, other, onBadValue, description);
  }

  /** Returns a copy of which a bad value is warned of and replaced by the default. */
  public Setting<T> lenient() {
    return new Setting<>(
        name, type, absent, absentWords, origin, OnBadValue.USE_DEFAULT, description);
  }

  /**
   * Reads it alone.
   *
   * @throws SettingsException when the value is bad and {@link OnBadValue#REFUSE} holds
   */
  public T read(Map<String, String> given) {
    return new Settings(name, List.of(this)).read(given).get(this);
  }

  /** Returns the text that is given for it; empty when none is. */
  String text(Map<String, String> given) {
    String exact = given.getOrDefault(name, "");
    if (!exact.isEmpty() || !origin.anyCase()) {
      return exact;
    }
    return given.entrySet().stream()
        .filter(entry -> entry.getKey().equalsIgnoreCase(name))
        .map(Map.Entry::getValue)
        .filter(value -> !value.isEmpty())
        .findFirst()
        .orElse("");
  }

  /** Says what is wrong with what is given for it; empty when nothing is. */
  Optional<String> problem(Map<String, String> given) {
    String text = text(given);
    if (text.isEmpty() || type.parse(text).isPresent()) {
      return Optional.empty();
    }
    String remedy =
        onBadValue == OnBadValue.REFUSE
            ? ": change it, or leave it out (default: " + absentWords + ")"
            : ": the default (" + absentWords + ") holds until it is changed";
    return Optional.of(
        name + " \"" + type.shown().apply(text) + "\" must be " + type.range() + remedy);
  }
}
