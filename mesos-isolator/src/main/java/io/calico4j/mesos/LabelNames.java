package io.calico4j.mesos;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * Turns the text of Mesos labels and groups into legal label text. What is legal stays as it is.
 * Anything else becomes its legal form, as upstream's CNI plugin makes it ({@code /} becomes {@code
 * .}, other illegal runs become {@code -}, a run of dots and dashes with a dot in it becomes one
 * dot, dots and dashes at the ends are cut), then a dash and the first eight hex digits of the
 * SHA-256 of the original, so that no two texts become one.
 */
final class LabelNames {
  private static final int MAX_LENGTH = 63;
  private static final int DIGEST_LENGTH = 8;
  private static final Pattern KEY =
      Pattern.compile(
          "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
  private static final Pattern ILLEGAL = Pattern.compile("[^A-Za-z0-9_.-]+");
  private static final Pattern DOTTED_RUN = Pattern.compile("[.-]*\\.[.-]*");
  private static final Pattern ENDS = Pattern.compile("^[._-]+|[._-]+$");

  private LabelNames() {}

  /** Returns a label's key; a legal one may have a prefix, such as {@code example.org/role}. */
  static String ofKey(String key) {
    return KEY.matcher(key).matches() ? key : digested(key, "label");
  }

  /** Returns a label's value; nothing stays nothing. */
  static String ofValue(String value) {
    return value.isEmpty() || NAME.matcher(value).matches() ? value : digested(value, "value");
  }

  /** Returns the name of a network group's profile, which is also the label of its members. */
  static String ofGroup(String group) {
    return NAME.matcher(group).matches() ? group : digested(group, "group");
  }

  private static String digested(String text, String absent) {
    String legal = sanitise(text);
    int room = MAX_LENGTH - DIGEST_LENGTH - 1;
    String start = legal.length() <= room ? legal : legal.substring(0, room);
    return (start.isEmpty() ? absent : start) + "-" + digest(text);
  }

  private static String digest(String text) {
    try {
      byte[] sha =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sha, 0, DIGEST_LENGTH / 2);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static String sanitise(String text) {
    String dotted = text.replace('/', '.');
    String legal = ILLEGAL.matcher(dotted).replaceAll("-");
    String joined = DOTTED_RUN.matcher(legal).replaceAll(".");
    return ENDS.matcher(joined).replaceAll("");
  }
}
