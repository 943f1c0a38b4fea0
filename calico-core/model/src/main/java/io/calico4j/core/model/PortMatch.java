package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * A port in a rule: a number, an inclusive range, or the name of an endpoint's port. JSON: a
 * number, {@code "a:b"} or a name.
 *
 * @param first lowest port, 0 to 65535; 0 for a name
 * @param last highest port; 0 for a name
 * @param name the named port, or null
 */
public record PortMatch(int first, int last, @Nullable String name) {
  /** Checks the range. */
  public PortMatch {
    if (first < 0 || last > 65535 || first > last) {
      throw new IllegalArgumentException(
          "port range " + first + ":" + last + " is not an ascending range within 0 to 65535");
    }
  }

  /** Parses {@code 80}, {@code 8000:8100} or a name (letters, digits, {@code _.-}). */
  public static PortMatch parse(String text) {
    if (text.matches("[0-9]{1,5}")) {
      return new PortMatch(Integer.parseInt(text), Integer.parseInt(text), null);
    }
    if (text.matches("[0-9]{1,5}:[0-9]{1,5}")) {
      int colon = text.indexOf(':');
      return new PortMatch(
          Integer.parseInt(text.substring(0, colon)),
          Integer.parseInt(text.substring(colon + 1)),
          null);
    }
    if (text.matches("[A-Za-z0-9_.-]{1,128}")) {
      return new PortMatch(0, 0, text);
    }
    throw new IllegalArgumentException(
        "port \"" + text + "\" is neither a number, nor a range such as 8000:8100, nor a name");
  }

  /** Prints what {@link #parse} reads. */
  @Override
  public String toString() {
    return name != null ? name : first == last ? Integer.toString(first) : first + ":" + last;
  }
}
