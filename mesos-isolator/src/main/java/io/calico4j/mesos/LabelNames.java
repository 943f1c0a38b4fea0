package io.calico4j.mesos;

import java.util.regex.Pattern;

/**
 * Turns the keys and values of Mesos labels into legal label text, as upstream's CNI plugin does:
 * {@code /} becomes {@code .}, other illegal runs become {@code -}, a run of dots and dashes with a
 * dot in it becomes one dot, and dots and dashes at the ends are cut.
 */
final class LabelNames {
  private static final int MAX_LENGTH = 63;
  private static final Pattern ILLEGAL = Pattern.compile("[^A-Za-z0-9_.-]+");
  private static final Pattern DOTTED_RUN = Pattern.compile("[.-]*\\.[.-]*");
  private static final Pattern ENDS = Pattern.compile("^[.-]+|[.-]+$");

  private LabelNames() {}

  /** Returns legal text of at most 63 characters; may be empty. */
  static String sanitise(String text) {
    String dotted = text.replace('/', '.');
    String legal = ILLEGAL.matcher(dotted).replaceAll("-");
    String joined = DOTTED_RUN.matcher(legal).replaceAll(".");
    String trimmed = ENDS.matcher(joined).replaceAll("");
    return trimmed.length() <= MAX_LENGTH
        ? trimmed
        : ENDS.matcher(trimmed.substring(0, MAX_LENGTH)).replaceAll("");
  }
}
