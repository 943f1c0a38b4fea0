package io.calico4j.core.endpoint;

import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.List;

/**
 * What an attached endpoint has.
 *
 * @param addresses its addresses, IPv4 first
 * @param hostInterface the host end's name
 * @param hostMac the host end's MAC address
 * @param mac the container end's MAC address
 * @param mtu of the pair, in bytes
 * @param timings where the time went
 */
public record Attachment(
    List<IpAddress> addresses,
    InterfaceName hostInterface,
    String hostMac,
    String mac,
    int mtu,
    AttachTimings timings) {
  /** Copies the list. */
  public Attachment {
    addresses = List.copyOf(addresses);
  }
}
