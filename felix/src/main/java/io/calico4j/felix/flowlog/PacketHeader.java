package io.calico4j.felix.flowlog;

import io.calico4j.core.net.IpAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a flow is told by: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200, RFC 4302), the
 * ports of TCP, UDP, UDP-Lite, SCTP and DCCP, which all begin with them, the type and code of ICMP
 * (RFC 792) and ICMPv6 (RFC 4443).
 *
 * @param source the source address
 * @param destination the destination address
 * @param protocol the number of the protocol, 0 to 255
 * @param first the source port, or the type of ICMP; -1 when there is none or it was not logged
 * @param second the destination port, or the code of ICMP, so
 */
record PacketHeader(IpAddress source, IpAddress destination, int protocol, int first, int second) {
  static final int ICMP = 1;
  static final int TCP = 6;
  static final int UDP = 17;
  static final int DCCP = 33;
  static final int ICMPV6 = 58;
  static final int SCTP = 132;
  static final int UDP_LITE = 136;

  private static final int ABSENT = -1;
  private static final int IPV4_HEADER = 20;
  private static final int IPV6_HEADER = 40;
  private static final int FRAGMENT_OFFSET = 0x1fff;

  /** Extension headers of IPv6. */
  private static final int HOP_BY_HOP = 0;

  private static final int ROUTING = 43;
  private static final int FRAGMENT = 44;
  private static final int AUTHENTICATION = 51;
  private static final int DESTINATION = 60;

  /**
   * Reads the first bytes of a packet.
   *
   * @param start from the IP header on; any part of the packet may be missing at its end
   * @return empty when the addresses are not in it
   */
  static Optional<PacketHeader> parse(byte[] start) {
    if (start.length == 0) {
      return Optional.empty();
    }
    return switch ((start[0] & 0xf0) >> 4) {
      case 4 -> ipv4(start);
      case 6 -> ipv6(start);
      default -> Optional.empty();
    };
  }

  private static Optional<PacketHeader> ipv4(byte[] start) {
    int length = (start[0] & 0xf) * 4;
    if (length < IPV4_HEADER || start.length < IPV4_HEADER) {
      return Optional.empty();
    }
    boolean isFirst = (ByteBuffer.wrap(start).getShort(6) & FRAGMENT_OFFSET) == 0;
    return Optional.of(
        of(
            start,
            Arrays.copyOfRange(start, 12, 16),
            Arrays.copyOfRange(start, 16, 20),
            Byte.toUnsignedInt(start[9]),
            isFirst ? length : start.length));
  }

  private static Optional<PacketHeader> ipv6(byte[] start) {
    if (start.length < IPV6_HEADER) {
      return Optional.empty();
    }
    int protocol = Byte.toUnsignedInt(start[6]);
    int offset = IPV6_HEADER;
    while (isExtension(protocol) && offset + 8 <= start.length) {
      int length = Byte.toUnsignedInt(start[offset + 1]);
      int next = offset;
      if (protocol == FRAGMENT) {
        boolean isFirst = (ByteBuffer.wrap(start).getShort(offset + 2) & 0xfff8) == 0;
        next = isFirst ? offset + 8 : start.length;
      } else {
        next += protocol == AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
      }
      protocol = Byte.toUnsignedInt(start[offset]);
      offset = next;
    }
    return Optional.of(
        of(
            start,
            Arrays.copyOfRange(start, 8, 24),
            Arrays.copyOfRange(start, 24, 40),
            protocol,
            offset));
  }

  private static boolean isExtension(int protocol) {
    return switch (protocol) {
      case HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION -> true;
      default -> false;
    };
  }

  private static PacketHeader of(
      byte[] start, byte[] source, byte[] destination, int protocol, int offset) {
    int first = ABSENT;
    int second = ABSENT;
    if (offset + 4 <= start.length && hasPorts(protocol)) {
      first = Short.toUnsignedInt(ByteBuffer.wrap(start).getShort(offset));
      second = Short.toUnsignedInt(ByteBuffer.wrap(start).getShort(offset + 2));
    } else if (offset + 2 <= start.length && isIcmp(protocol)) {
      first = Byte.toUnsignedInt(start[offset]);
      second = Byte.toUnsignedInt(start[offset + 1]);
    }
    return new PacketHeader(
        IpAddress.ofBytes(source), IpAddress.ofBytes(destination), protocol, first, second);
  }

  private static boolean hasPorts(int protocol) {
    return switch (protocol) {
      case TCP, UDP, UDP_LITE, SCTP, DCCP -> true;
      default -> false;
    };
  }

  private static boolean isIcmp(int protocol) {
    return protocol == ICMP || protocol == ICMPV6;
  }

  /** Returns the same without what differs between connections to one port: the source port. */
  PacketHeader flow() {
    return isIcmp(protocol)
        ? this
        : new PacketHeader(source, destination, protocol, ABSENT, second);
  }

  /** Prints {@code from=A to=B protocol=tcp sport=1 dport=2}, or type= and code=. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append("from=").append(source).append(" to=").append(destination);
    text.append(" protocol=").append(name());
    if (first != ABSENT) {
      text.append(isIcmp(protocol) ? " type=" : " sport=").append(first);
    }
    if (second != ABSENT) {
      text.append(isIcmp(protocol) ? " code=" : " dport=").append(second);
    }
    return text.toString();
  }

  private String name() {
    return switch (protocol) {
      case ICMP -> "icmp";
      case TCP -> "tcp";
      case UDP -> "udp";
      case DCCP -> "dccp";
      case ICMPV6 -> "icmpv6";
      case SCTP -> "sctp";
      case UDP_LITE -> "udplite";
      default -> String.valueOf(protocol);
    };
  }
}
