package io.calico4j.felix.explain;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;

/**
 * The first packet of a connection.
 *
 * @param protocol the protocol; of ICMP and ICMPv6 it is an echo request
 * @param source its sender, of the destination's family
 * @param sourcePort 0 to 65535; 0 where the protocol has none
 * @param destination its receiver
 * @param destinationPort 0 to 65535; 0 where the protocol has none
 */
public record Packet(
    Protocol protocol,
    IpAddress source,
    int sourcePort,
    IpAddress destination,
    int destinationPort) {
  private static final int ECHO = 8;
  private static final int ECHO_V6 = 128;

  /** Refuses addresses of two families. */
  public Packet {
    if (source.family() != destination.family()) {
      throw new IllegalArgumentException(
          "a packet from " + source + " to " + destination + " would have two address families");
    }
  }

  /** Returns the first packet of the answer. */
  Packet answer() {
    return new Packet(protocol, destination, destinationPort, source, sourcePort);
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

  /** Returns the ICMP type of an echo request. */
  int icmpType() {
    return protocol.equals(Protocol.ICMPV6) ? ECHO_V6 : ECHO;
  }
}
