package io.calico4j.core.selector;

/** A selector that does not parse; the message quotes it and says where. */
public class SelectorSyntaxException extends IllegalArgumentException {
  /** Makes an exception for a position (0-based) in the text. */
  public SelectorSyntaxException(String text, int position, String problem) {
    super("selector \"" + text + "\": " + problem + " at position " + position);
  }
}
