package io.calico4j.core.model;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Turns absent JSON collections into empty immutable ones. */
final class Lists {
  private Lists() {}

  static <T> List<T> copy(@Nullable List<T> list) {
    if (list == null) {
      return List.of();
    }
    if (list.stream().anyMatch(Objects::isNull)) {
      throw new IllegalArgumentException("a list has null as an element");
    }
    return List.copyOf(list);
  }

  static <V> Map<String, V> copy(@Nullable Map<String, V> map) {
    if (map == null) {
      return Map.of();
    }
    if (map.values().stream().anyMatch(Objects::isNull)) {
      throw new IllegalArgumentException("a map has null as a value");
    }
    // An agent keeps those of a whole cluster: most have one entry or none, and the names of labels
    // are few.
    Map<String, V> copy = new TreeMap<>();
    map.forEach((key, value) -> copy.put(key.intern(), value));
    return copy.size() <= 1 ? Map.copyOf(copy) : Collections.unmodifiableMap(copy);
  }
}
