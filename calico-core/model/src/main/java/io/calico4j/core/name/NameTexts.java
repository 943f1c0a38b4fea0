package io.calico4j.core.name;

/** How names are quoted in messages. */
final class NameTexts {
  private static final int SHOWN = 64;

  private NameTexts() {}

  /** Returns a text, or the beginning of a long one. */
  static String abbreviate(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }
}
