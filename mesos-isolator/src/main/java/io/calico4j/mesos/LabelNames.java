package io.calico4j.mesos;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
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

  /**
   * Returns the name of a network group's profile, which is also the label of its members: the
   * group itself when it is a legal label key, else its legal form with a digest, so that no two
   * groups become one.
   */
  static String ofGroup(String group) {
    String legal = sanitise(group);
    if (legal.equals(group) && !group.isEmpty()) {
      return group;
    }
    String start = legal.length() <= MAX_LENGTH - 9 ? legal : legal.substring(0, MAX_LENGTH - 9);
    return (start.isEmpty() ? "group" : start) + "-" + digest(group);
  }

  private static String digest(String text) {
    try {
      byte[] sha =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sha, 0, 4);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

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
