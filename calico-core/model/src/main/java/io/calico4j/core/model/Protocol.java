package io.calico4j.core.model;

import java.util.Locale;
import java.util.Map;

/**
 * An IP protocol as Calico writes it: a name or a number from 1 to 255. JSON: a string or a number.
 *
 * @param number the protocol number, 1 to 255
 */
public record Protocol(int number) {
  /** TCP, 6. */
  public static final Protocol TCP = new Protocol(6);

  /** UDP, 17. */
  public static final Protocol UDP = new Protocol(17);

  /** ICMP, 1. */
  public static final Protocol ICMP = new Protocol(1);

  /** ICMPv6, 58. */
  public static final Protocol ICMPV6 = new Protocol(58);

  /** SCTP, 132. */
  public static final Protocol SCTP = new Protocol(132);

  private static final Map<String, Integer> NAMES =
      Map.of("tcp", 6, "udp", 17, "icmp", 1, "icmpv6", 58, "sctp", 132, "udplite", 136);

  /** Checks the range. */
  public Protocol {
    if (number < 1 || number > 255) {
      throw new IllegalArgumentException("protocol " + number + " is not within 1 to 255");
    }
  }

  /** Parses a name in any case (TCP UDP ICMP ICMPv6 SCTP UDPLite) or a number. */
  public static Protocol parse(String text) {
    Integer known = NAMES.get(text.toLowerCase(Locale.ROOT));
    if (known != null) {
      return new Protocol(known);
    }
    if (!text.matches("[0-9]{1,3}")) {
      throw new IllegalArgumentException(
          "protocol \"" + text + "\" is none of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, 1-255");
    }
    return new Protocol(Integer.parseInt(text));
  }

  /** Tells whether the protocol has ports. */
  public boolean hasPorts() {
    return number == 6 || number == 17 || number == 132;
  }

  /** Prints upstream's name, or the number when it has none. */
  @Override
  public String toString() {
    return switch (number) {
      case 6 -> "TCP";
      case 17 -> "UDP";
      case 1 -> "ICMP";
      case 58 -> "ICMPv6";
      case 132 -> "SCTP";
      case 136 -> "UDPLite";
      default -> Integer.toString(number);
    };
  }
}
