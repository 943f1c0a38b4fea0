package io.calico4j.core.name;

import java.util.Optional;

/**
 * The id of an IPAM handle: under it IPAM counts what one owner holds. It is the last part of the
 * handle's key in etcd. Upstream's CNI plugin names it {@code NETWORK.CONTAINER}; other tools take
 * any text.
 *
 * @param text not empty and without slash
 */
public record HandleId(String text) implements Comparable<HandleId> {
  /** Checks that it can be the last part of a key. */
  public HandleId {
    if (!isValid(text)) {
      throw new IllegalArgumentException(
          "handle \"" + NameTexts.abbreviate(text) + "\" must not be empty nor contain a slash");
    }
  }

  /** Reads an id; empty when the text is none. */
  public static Optional<HandleId> tryParse(String text) {
    return isValid(text) ? Optional.of(new HandleId(text)) : Optional.empty();
  }

  private static boolean isValid(String text) {
    return !text.isEmpty() && text.indexOf('/') < 0;
  }

  @Override
  public int compareTo(HandleId other) {
    return text.compareTo(other.text);
  }

  /** Returns the text. */
  @Override
  public String toString() {
    return text;
  }
}
