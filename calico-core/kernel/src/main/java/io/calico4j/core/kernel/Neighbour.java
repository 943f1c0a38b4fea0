package io.calico4j.core.kernel;

import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;

/**
 * A permanent entry of an interface's neighbour table, or of its forwarding database, which says
 * where a VXLAN device sends frames for a MAC address.
 *
 * @param interfaceIndex the interface
 * @param address the neighbour's address; in the forwarding database, where the outer packet goes
 * @param mac the neighbour's MAC address
 */
public record Neighbour(int interfaceIndex, IpAddress address, MacAddress mac) {}
