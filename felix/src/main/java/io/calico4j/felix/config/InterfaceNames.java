package io.calico4j.felix.config;

import io.calico4j.core.setting.ValueType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A list of interfaces: names, and regular expressions between slashes that match any part of a
 * name.
 */
public final class InterfaceNames implements Predicate<String> {
  private final String text;
  private final Set<String> names = new HashSet<>();
  private final List<Pattern> patterns = new ArrayList<>();

  private InterfaceNames(String text) {
    this.text = text;
    for (String each : text.split(",", -1)) {
      String name = each.strip();
      if (name.length() > 1 && name.startsWith("/") && name.endsWith("/")) {
        patterns.add(Pattern.compile(name.substring(1, name.length() - 1)));
      } else if (!name.isEmpty()) {
        names.add(name);
      }
    }
  }

  /** The type of a parameter that is such a list. */
  static ValueType<InterfaceNames> type() {
    return ValueType.of(
        "names of interfaces with commas between them, regular expressions between slashes",
        text -> {
          try {
            return Optional.of(new InterfaceNames(text));
          } catch (PatternSyntaxException e) {
            return Optional.empty();
          }
        });
  }

  /** Makes a list of one name. */
  static InterfaceNames of(String name) {
    return new InterfaceNames(name);
  }

  /** Tells whether an interface is in the list. */
  @Override
  public boolean test(String name) {
    return names.contains(name)
        || patterns.stream().anyMatch(pattern -> pattern.matcher(name).find());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof InterfaceNames names && names.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
