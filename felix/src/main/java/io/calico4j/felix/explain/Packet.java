package io.calico4j.felix.explain;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;

/**
 * The first packet of a connection, or of the answer to it.
 *
 * @param protocol the protocol; of ICMP and ICMPv6 it is an echo request, or its reply
 * @param source its sender, of the destination's family
 * @param sourcePort 0 to 65535; 0 where the protocol has none
 * @param destination its receiver
 * @param destinationPort 0 to 65535; 0 where the protocol has none
 * @param isAnswer whether it is of the answer
 */
public record Packet(
    Protocol protocol,
    IpAddress source,
    int sourcePort,
    IpAddress destination,
    int destinationPort,
    boolean isAnswer) {
  private static final int ECHO = 8;
  private static final int ECHO_V6 = 128;
  private static final int REPLY = 0;
  private static final int REPLY_V6 = 129;

  /** Refuses addresses of two families. */
  public Packet {
    if (source.family() != destination.family()) {
      throw new IllegalArgumentException(
          "a packet from " + source + " to " + destination + " would have two address families");
    }
  }

  /** Makes the first packet of a connection. */
  public Packet(
      Protocol protocol,
      IpAddress source,
      int sourcePort,
      IpAddress destination,
      int destinationPort) {
    this(protocol, source, sourcePort, destination, destinationPort, false);
  }

  /** Returns the first packet of the answer. */
  public Packet answer() {
    return new Packet(protocol, destination, destinationPort, source, sourcePort, true);
  }

  /** Tells whether connection tracking takes it for the begin of a connection, as an answer. */
  boolean begins() {
    // The answer of TCP, SCTP and ICMP says of itself that it is one.
    return !protocol.equals(Protocol.TCP)
        && !protocol.equals(Protocol.SCTP)
        && !protocol.equals(Protocol.ICMP)
        && !protocol.equals(Protocol.ICMPV6);
  }

  /** Returns the family of both addresses. */
  IpFamily family() {
    return source.family();
  }

  /** Returns the ICMP type of an echo request, or of its reply. */
  int icmpType() {
    if (protocol.equals(Protocol.ICMPV6)) {
      return isAnswer ? REPLY_V6 : ECHO_V6;
    }
    return isAnswer ? REPLY : ECHO;
  }
}
