package io.calico4j.felix.dataplane.nft;

/**
 * What is in the table {@code inet calico}, as it was written last.
 *
 * @param chains chains, base chains included
 * @param rules rules of all chains
 * @param maps verdict maps
 * @param ipv4Sets sets of IPv4 addresses, networks or ports
 * @param ipv6Sets sets of IPv6 ones
 */
public record TableFigures(int chains, int rules, int maps, int ipv4Sets, int ipv6Sets) {
  /** Nothing has been written. */
  static final TableFigures NONE = new TableFigures(0, 0, 0, 0, 0);
}
