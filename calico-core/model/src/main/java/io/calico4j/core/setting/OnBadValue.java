package io.calico4j.core.setting;

/** What happens when a value is not understood. */
public enum OnBadValue {
  /** The component does not start. */
  REFUSE("refuses to start"),
  /** The component warns and goes on as if it were not set. */
  USE_DEFAULT("warns and ignores it");

  private final String words;

  OnBadValue(String words) {
    this.words = words;
  }

  /** Returns it for people. */
  public String words() {
    return words;
  }
}
