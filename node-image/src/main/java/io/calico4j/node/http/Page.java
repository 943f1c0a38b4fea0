package io.calico4j.node.http;

/**
 * What a page shows.
 *
 * @param status the HTTP status
 * @param contentType the media type of the text, such as {@code text/plain; charset=utf-8}
 * @param text the text
 */
public record Page(int status, String contentType, String text) {
  private static final String PLAIN = "text/plain; charset=utf-8";

  /** Makes a page of plain text. */
  public static Page plain(int status, String text) {
    return new Page(status, PLAIN, text);
  }
}
