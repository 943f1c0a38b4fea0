package io.calico4j.core.name;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a Profile, in the form that upstream's {@code libcalico-go/lib/validator/v3} accepts.
 *
 * @param text 1 to 253 letters, digits, dots, _ and dashes, with a letter or digit at both ends
 */
public record ProfileName(String text) implements Comparable<ProfileName> {
  private static final int LIMIT = 253;
  private static final Pattern PATTERN =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?");

  /** Checks length and form. */
  public ProfileName {
    if (text.length() > LIMIT) {
      throw new IllegalArgumentException(
          "the name of profile \""
              + NameTexts.abbreviate(text)
              + "\" has "
              + text.length()
              + " characters, but at most "
              + LIMIT
              + " can be");
    }
    if (!PATTERN.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "profile \""
              + NameTexts.abbreviate(text)
              + "\" must be named with 1 to "
              + LIMIT
              + " letters, digits, dots, _ and dashes, a letter or digit at both ends");
    }
  }

  /** Reads a name; empty when the text is none. */
  public static Optional<ProfileName> tryParse(String text) {
    return text.length() <= LIMIT && PATTERN.matcher(text).matches()
        ? Optional.of(new ProfileName(text))
        : Optional.empty();
  }

  @Override
  public int compareTo(ProfileName other) {
    return text.compareTo(other.text);
  }

  /** Returns the text. */
  @Override
  public String toString() {
    return text;
  }
}
