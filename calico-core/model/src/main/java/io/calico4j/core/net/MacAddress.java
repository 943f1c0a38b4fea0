package io.calico4j.core.net;

import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * An Ethernet address.
 *
 * @param text six lower-case pairs of hex digits with colons between them
 */
public record MacAddress(String text) {
  private static final Pattern FORM = Pattern.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}");

  /** Checks and lower-cases the text. */
  public MacAddress {
    text = text.toLowerCase(Locale.ROOT);
    if (!FORM.matcher(text).matches()) {
      throw new IllegalArgumentException("\"" + text + "\" is not a MAC address");
    }
  }

  /** Makes an address of its six bytes. */
  public static MacAddress ofBytes(byte[] bytes) {
    return new MacAddress(HexFormat.ofDelimiter(":").formatHex(bytes));
  }

  /** Returns the six bytes. */
  public byte[] toBytes() {
    return HexFormat.ofDelimiter(":").parseHex(text);
  }

  @Override
  public String toString() {
    return text;
  }
}
