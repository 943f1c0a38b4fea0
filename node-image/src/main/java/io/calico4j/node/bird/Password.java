package io.calico4j.node.bird;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The password of a session (RFC 2385). It is printed nowhere but in bird's configuration.
 *
 * @param text what is written between bird's quotes
 */
record Password(String text) {
  /** The kernel's TCP_MD5SIG_MAXKEYLEN. */
  private static final int LONGEST_BYTES = 80;

  /** What of a password bird cannot be told: its texts have no escapes. */
  static final String FORM = "1 to 80 bytes without control characters and quotation marks";

  /** Takes a text as password; empty when bird cannot be told it. */
  static Optional<Password> of(String text) {
    boolean fits =
        !text.isEmpty()
            && text.getBytes(StandardCharsets.UTF_8).length <= LONGEST_BYTES
            && text.chars().noneMatch(c -> Character.isISOControl(c) || c == '"');
    return fits ? Optional.of(new Password(text)) : Optional.empty();
  }

  @Override
  public String toString() {
    return "Password[…]";
  }
}
