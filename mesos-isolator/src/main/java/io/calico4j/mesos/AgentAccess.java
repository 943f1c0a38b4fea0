package io.calico4j.mesos;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a Mesos agent answers, and how it is to be asked.
 *
 * @param url scheme, host and port, such as {@code http://127.0.0.1:5051}
 * @param caFile PEM certificates that https is verified with; the system's when absent
 * @param user for HTTP basic authentication; empty for none
 * @param password the user's
 * @param timeout how long one answer may take
 */
public record AgentAccess(
    URI url, Optional<Path> caFile, String user, String password, Duration timeout) {
  /** Checks the form of the URL. */
  public AgentAccess {
    boolean http = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
    if (!http || url.getHost() == null || url.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "\""
              + withoutUser(url.toString())
              + "\" is no agent's address: give one such as http://127.0.0.1:5051");
    }
  }

  /** Parses a URL, with a message that tells the form. */
  public static URI parse(String text) {
    try {
      return URI.create(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "\""
              + withoutUser(text)
              + "\" is no agent's address: give one such as http://127.0.0.1:5051");
    }
  }

  /** Leaves out what stands before an at sign: there may be a password in it. */
  public static String withoutUser(String url) {
    int at = url.lastIndexOf('@');
    return at < 0 ? url : "…" + url.substring(at);
  }

  /** Leaves the password out. */
  @Override
  public String toString() {
    return url.toString();
  }
}
