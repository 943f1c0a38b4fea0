package io.calico4j.core.setting;

/**
 * Where a setting comes from.
 *
 * @param words for people, such as {@code environment}
 * @param anyCase whether upper and lower case are the same in its name
 */
public record Origin(String words, boolean anyCase) {
  /** An environment variable. */
  public static final Origin ENVIRONMENT = new Origin("environment", false);

  /** An environment variable of Felix, which upstream reads in any case. */
  public static final Origin FELIX_ENVIRONMENT = new Origin("environment, in any case", true);
}
