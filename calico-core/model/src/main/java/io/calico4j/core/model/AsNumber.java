package io.calico4j.core.model;

/**
 * A BGP AS number. JSON: a number, or text that may be dotted ({@code "1.10"}).
 *
 * @param value 0 to 4294967295
 */
public record AsNumber(long value) {
  /** Calico's default AS number, from the private range. */
  public static final AsNumber DEFAULT = new AsNumber(64512);

  /** Checks the range. */
  public AsNumber {
    if (value < 0 || value > 0xffffffffL) {
      throw new IllegalArgumentException("AS number " + value + " is not within 0 to 4294967295");
    }
  }

  /** Parses plain or dotted text. */
  public static AsNumber parse(String text) {
    if (text.matches("[0-9]{1,10}")) {
      return new AsNumber(Long.parseLong(text));
    }
    if (text.matches("[0-9]{1,5}\\.[0-9]{1,5}")) {
      int dot = text.indexOf('.');
      long high = Long.parseLong(text.substring(0, dot));
      long low = Long.parseLong(text.substring(dot + 1));
      if (high <= 65535 && low <= 65535) {
        return new AsNumber(high << 16 | low);
      }
    }
    throw new IllegalArgumentException(
        "AS number \"" + text + "\" is neither a number such as 64512 nor dotted such as 1.10");
  }

  @Override
  public String toString() {
    return Long.toString(value);
  }
}
