package io.calico4j.core.name;

import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of a node: that of its Node resource, and a part of keys in etcd. The form is what
 * upstream's {@code libcalico-go/lib/validator/v3} accepts as a Node's name.
 *
 * @param text 1 to 253 lower-case letters, digits, dots and dashes, with a letter or digit at both
 *     ends
 */
public record NodeName(String text) implements Comparable<NodeName> {
  /** What a name must be, in words. */
  public static final String FORM = "1 to 253 lower-case letters, digits, dots and dashes";

  private static final Pattern PATTERN = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");

  /** Checks the form. */
  public NodeName {
    if (!isValid(text)) {
      throw new IllegalArgumentException(
          "node name \"" + NameTexts.abbreviate(text) + "\" must be " + FORM);
    }
  }

  /** Reads a name; empty when the text is none. */
  public static Optional<NodeName> tryParse(String text) {
    return isValid(text) ? Optional.of(new NodeName(text)) : Optional.empty();
  }

  private static boolean isValid(String text) {
    return PATTERN.matcher(text).matches();
  }

  /** Tells whether a text, such as a field from the datastore, is this name. */
  public boolean is(@Nullable String other) {
    return text.equals(other);
  }

  @Override
  public int compareTo(NodeName other) {
    return text.compareTo(other.text);
  }

  /** Returns the text. */
  @Override
  public String toString() {
    return text;
  }
}
