package io.calico4j.core.net;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An IPv4 or IPv6 address. Ordered by family (IPv4 first), then numerically. Never resolves names.
 *
 * @param family the address family
 * @param value the address as an unsigned number of 32 or 128 bits
 */
public record IpAddress(IpFamily family, BigInteger value) implements Comparable<IpAddress> {
  private static final Pattern V6 = Pattern.compile("[0-9A-Fa-f:]+(\\.[0-9.]+)?");

  /** Checks that the value fits the family. */
  public IpAddress {
    if (value.signum() < 0 || value.bitLength() > family.bits()) {
      throw new IllegalArgumentException(
          "address value " + value + " does not fit " + family.bits() + " bits");
    }
  }

  /**
   * Parses dotted IPv4 or RFC 4291 IPv6 text; anything else is an {@link IllegalArgumentException}.
   */
  public static IpAddress parse(String text) {
    return tryParse(text)
        .orElseThrow(
            () -> new IllegalArgumentException("\"" + text + "\" is not an IPv4 or IPv6 address"));
  }

  /** Parses an address, empty when the text is not one. */
  public static Optional<IpAddress> tryParse(String text) {
    if (text.indexOf(':') < 0) {
      return tryParseV4(text);
    }
    if (!V6.matcher(text).matches()) {
      return Optional.empty();
    }
    try {
      byte[] bytes = InetAddress.getByName(text).getAddress();
      if (bytes.length == 4) {
        byte[] mapped = new byte[16];
        mapped[10] = (byte) 0xff;
        mapped[11] = (byte) 0xff;
        System.arraycopy(bytes, 0, mapped, 12, 4);
        bytes = mapped;
      }
      return Optional.of(ofBytes(bytes));
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  private static Optional<IpAddress> tryParseV4(String text) {
    long value = 0;
    int start = 0;
    for (int part = 0; part < 4; part++) {
      int end = part < 3 ? text.indexOf('.', start) : text.length();
      int number = end < 0 ? -1 : decimal(text, start, end);
      if (number < 0 || number > 255) {
        return Optional.empty();
      }
      value = value << 8 | number;
      start = end + 1;
    }
    return Optional.of(new IpAddress(IpFamily.IPV4, BigInteger.valueOf(value)));
  }

  /** Reads a number of at most three digits, without leading zeros; -1 when it is none. */
  static int decimal(String text, int from, int to) {
    if (to <= from || to - from > 3 || text.charAt(from) == '0' && to - from > 1) {
      return -1;
    }
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = 10 * number + digit;
    }
    return number;
  }

  /** Makes an address of 4 or 16 bytes in network order. */
  public static IpAddress ofBytes(byte[] bytes) {
    if (bytes.length != 4 && bytes.length != 16) {
      throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length);
    }
    return new IpAddress(
        bytes.length == 4 ? IpFamily.IPV4 : IpFamily.IPV6, new BigInteger(1, bytes));
  }

  /** Returns the address in network order, 4 or 16 bytes. */
  public byte[] toBytes() {
    byte[] raw = value.toByteArray();
    byte[] out = new byte[family.bits() / 8];
    int copy = Math.min(raw.length, out.length);
    System.arraycopy(raw, raw.length - copy, out, out.length - copy, copy);
    return out;
  }

  /** Returns the address {@code offset} above this one; out of range is an error. */
  public IpAddress plus(long offset) {
    return new IpAddress(family, value.add(BigInteger.valueOf(offset)));
  }

  /** Tells whether this is an IPv4 address. */
  public boolean isV4() {
    return family == IpFamily.IPV4;
  }

  /** Returns the CIDR holding this address only: /32 or /128. */
  public Cidr toCidr() {
    return new Cidr(this, family.bits());
  }

  @Override
  public int compareTo(IpAddress other) {
    int byFamily = family.compareTo(other.family);
    return byFamily != 0 ? byFamily : value.compareTo(other.value);
  }

  /** Prints canonical text: dotted IPv4, or compressed lower-case IPv6 as in RFC 5952. */
  @Override
  public String toString() {
    if (isV4()) {
      int bits = value.intValue();
      return (bits >>> 24)
          + "."
          + (bits >>> 16 & 255)
          + "."
          + (bits >>> 8 & 255)
          + "."
          + (bits & 255);
    }
    byte[] bytes = toBytes();
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (bytes[2 * i] & 255) << 8 | bytes[2 * i + 1] & 255;
    }
    return compress(groups);
  }

  private static String compress(int[] groups) {
    int bestStart = -1;
    int bestLength = 1;
    for (int i = 0; i < 8; i++) {
      int length = 0;
      while (i + length < 8 && groups[i + length] == 0) {
        length++;
      }
      if (length > bestLength) {
        bestStart = i;
        bestLength = length;
      }
    }
    if (bestStart < 0) {
      return join(groups, 0, 8);
    }
    return join(groups, 0, bestStart) + "::" + join(groups, bestStart + bestLength, 8);
  }

  private static String join(int[] groups, int from, int to) {
    return String.join(
        ":",
        Arrays.stream(groups, from, to)
            .mapToObj(g -> Integer.toHexString(g).toLowerCase(Locale.ROOT))
            .toList());
  }
}
