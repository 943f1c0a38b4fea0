package io.calico4j.testbed;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Ethernet frames as an attacker makes them by hand: IPv4 (RFC 791), IPv6 (RFC 8200), UDP, ARP (RFC
 * 826), neighbour discovery (RFC 4861). Checksums are right, so that only what is meant to be wrong
 * is.
 */
final class Frame {
  static final int UDP = 17;
  static final int IPIP = 4;
  static final int ICMPV6 = 58;
  private static final int FRAGMENT = 44;

  private static final String HOST_MAC = "eeeeeeeeeeee";
  private static final int ETHERTYPE_IPV4 = 0x0800;
  private static final int ETHERTYPE_ARP = 0x0806;
  private static final int ETHERTYPE_IPV6 = 0x86dd;
  private static final int HOPS = 64;

  private Frame() {}

  private static byte[] address(String text) {
    return io.calico4j.core.net.IpAddress.parse(text).toBytes();
  }

  private static byte[] ethernet(String destination, String source, int type, byte[] payload) {
    return ByteBuffer.allocate(14 + payload.length)
        .put(HexFormat.of().parseHex(destination))
        .put(HexFormat.of().parseHex(source.replace(":", "")))
        .putShort((short) type)
        .put(payload)
        .array();
  }

  private static int sum(int start, byte[]... parts) {
    int sum = start;
    for (byte[] part : parts) {
      for (int i = 0; i < part.length; i++) {
        sum += (part[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
      }
    }
    while (sum >> 16 != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
  }

  /** Returns a UDP datagram or an ICMPv6 message with its checksum in place. */
  private static byte[] checked(
      byte[] message, int checksumAt, String from, String to, int protocol) {
    int sum = sum(message.length + protocol, address(from), address(to), message);
    int checksum = ~sum & 0xffff;
    ByteBuffer.wrap(message).putShort(checksumAt, (short) (checksum == 0 ? 0xffff : checksum));
    return message;
  }

  /** Returns a UDP datagram. */
  static byte[] datagram(String from, int fromPort, String to, int toPort, String text) {
    byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
    byte[] datagram =
        ByteBuffer.allocate(8 + payload.length)
            .putShort((short) fromPort)
            .putShort((short) toPort)
            .putShort((short) (8 + payload.length))
            .putShort((short) 0)
            .put(payload)
            .array();
    return checked(datagram, 6, from, to, UDP);
  }

  /** Returns an IP packet; it may be a fragment, at an offset in bytes, a multiple of eight. */
  static byte[] packet(
      String from, String to, int protocol, byte[] payload, int offset, boolean more) {
    return packet(from, to, protocol, payload, offset, more, 1);
  }

  /**
   * Returns an IP packet.
   *
   * @param identification what the fragments of one datagram have in common
   */
  private static byte[] packet(
      String from,
      String to,
      int protocol,
      byte[] payload,
      int offset,
      boolean more,
      int identification) {
    byte[] source = address(from);
    if (source.length == 16 && (offset > 0 || more)) {
      // A fragment header (RFC 8200, section 4.5) before the part.
      byte[] fragment =
          ByteBuffer.allocate(8 + payload.length)
              .put((byte) protocol)
              .put((byte) 0)
              .putShort((short) (offset | (more ? 1 : 0)))
              .putInt(identification)
              .put(payload)
              .array();
      return packet(from, to, FRAGMENT, fragment, 0, false);
    }
    if (source.length == 16) {
      return ByteBuffer.allocate(40 + payload.length)
          .putInt(6 << 28)
          .putShort((short) payload.length)
          .put((byte) protocol)
          .put((byte) (protocol == ICMPV6 ? 255 : HOPS))
          .put(source)
          .put(address(to))
          .put(payload)
          .array();
    }
    ByteBuffer header = ByteBuffer.allocate(20);
    header
        .put((byte) 0x45)
        .put((byte) 0)
        .putShort((short) (20 + payload.length))
        .putShort((short) identification)
        .putShort((short) (offset / 8 | (more ? 0x2000 : 0)))
        .put((byte) HOPS)
        .put((byte) protocol)
        .putShort((short) 0)
        .put(source)
        .put(address(to));
    header.putShort(10, (short) ~sum(0, header.array()));
    return ByteBuffer.allocate(20 + payload.length).put(header.array()).put(payload).array();
  }

  /** Returns the frame in which a workload sends a packet to its host. */
  static byte[] toHost(String ownMac, byte[] packet) {
    int type = packet[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    return ethernet(HOST_MAC, ownMac, type, packet);
  }

  /** Returns the frame of a UDP datagram. */
  static byte[] udp(String ownMac, String from, String to, int toPort, String text) {
    return toHost(ownMac, packet(from, to, UDP, datagram(from, 4444, to, toPort, text), 0, false));
  }

  /** Returns the frames of a datagram that is sent in two fragments, the first of some bytes. */
  static List<byte[]> fragments(
      String ownMac, String from, String to, int toPort, String text, int first) {
    byte[] datagram = datagram(from, 4444, to, toPort, text);
    List<byte[]> frames = new ArrayList<>();
    int identification = text.hashCode();
    frames.add(
        toHost(ownMac, packet(from, to, UDP, slice(datagram, 0, first), 0, true, identification)));
    frames.add(
        toHost(
            ownMac,
            packet(
                from,
                to,
                UDP,
                slice(datagram, first, datagram.length),
                first,
                false,
                identification)));
    return frames;
  }

  private static byte[] slice(byte[] bytes, int from, int to) {
    return java.util.Arrays.copyOfRange(bytes, from, to);
  }

  /** Returns an ARP answer to everybody that claims an address. */
  static byte[] arpClaim(String ownMac, String address) {
    byte[] mac = HexFormat.of().parseHex(ownMac.replace(":", ""));
    byte[] arp =
        ByteBuffer.allocate(28)
            .putShort((short) 1)
            .putShort((short) ETHERTYPE_IPV4)
            .put((byte) 6)
            .put((byte) 4)
            .putShort((short) 2)
            .put(mac)
            .put(address(address))
            .put(HexFormat.of().parseHex(HOST_MAC))
            .put(address(address))
            .array();
    return ethernet("ffffffffffff", ownMac, ETHERTYPE_ARP, arp);
  }

  /** Returns a neighbour advertisement to all nodes that claims an address. */
  static byte[] neighbourClaim(String ownMac, String address) {
    byte[] message =
        ByteBuffer.allocate(32)
            .put((byte) 136)
            .put((byte) 0)
            .putShort((short) 0)
            .putInt(0x20000000)
            .put(address(address))
            .put((byte) 2)
            .put((byte) 1)
            .put(HexFormat.of().parseHex(ownMac.replace(":", "")))
            .array();
    return multicast(ownMac, address, message);
  }

  /** Returns a router advertisement to all nodes: "I am your default router for half an hour". */
  static byte[] routerAdvertisement(String ownMac, String linkLocal) {
    byte[] message =
        ByteBuffer.allocate(48)
            .put((byte) 134)
            .put((byte) 0)
            .putShort((short) 0)
            .put((byte) HOPS)
            .put((byte) 0)
            .putShort((short) 1800)
            .putLong(0)
            // A prefix to make an address of: autonomous, on link.
            .put((byte) 3)
            .put((byte) 4)
            .put((byte) 64)
            .put((byte) 0xc0)
            .putInt(3600)
            .putInt(3600)
            .putInt(0)
            .put(address("fd00:bad::"))
            .array();
    return multicast(ownMac, linkLocal, message);
  }

  private static byte[] multicast(String ownMac, String from, byte[] message) {
    byte[] checked = checked(message, 2, from, "ff02::1", ICMPV6);
    return ethernet(
        "333300000001", ownMac, ETHERTYPE_IPV6, packet(from, "ff02::1", ICMPV6, checked, 0, false));
  }
}
