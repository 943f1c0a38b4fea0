package io.calico4j.core.net;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The name of a network interface, as Linux takes it ({@code dev_valid_name} in {@code
 * net/core/dev.c}).
 *
 * @param text 1 to 15 bytes without slash, colon, white space and NUL; neither "." nor ".."
 */
public record InterfaceName(String text) implements Comparable<InterfaceName> {
  private static final int LIMIT = 15;

  /** Checks the form. */
  public InterfaceName {
    if (!isValid(text)) {
      throw new IllegalArgumentException(
          "interface name \""
              + (text.length() <= 64 ? text : text.substring(0, 64) + "…")
              + "\" must be 1 to "
              + LIMIT
              + " bytes without slash, colon or blank, and neither . nor ..");
    }
  }

  /** Reads a name; empty when the text is none. */
  public static Optional<InterfaceName> tryParse(String text) {
    return isValid(text) ? Optional.of(new InterfaceName(text)) : Optional.empty();
  }

  private static boolean isValid(String text) {
    return !text.isEmpty()
        && text.getBytes(StandardCharsets.UTF_8).length <= LIMIT
        && !text.equals(".")
        && !text.equals("..")
        && text.chars().noneMatch(InterfaceName::isForbidden);
  }

  /** The C locale's white space, and what Java takes for it besides. */
  private static boolean isForbidden(int c) {
    return c == '/'
        || c == ':'
        || c == 0
        || c == '\u000b'
        || Character.isWhitespace(c)
        || Character.isSpaceChar(c);
  }

  @Override
  public int compareTo(InterfaceName other) {
    return text.compareTo(other.text);
  }

  /** Returns the text. */
  @Override
  public String toString() {
    return text;
  }
}
