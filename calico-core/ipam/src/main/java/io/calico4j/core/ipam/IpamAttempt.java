package io.calico4j.core.ipam;

import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import java.time.Clock;
import java.util.List;

/**
 * One attempt at a change of IPAM's data: those who decide, and the changes they collect. Thrown
 * away when the transaction conflicts.
 *
 * @param changes what is going to be written
 * @param reads where the inputs come from
 * @param cache what has been read before
 * @param clock says when a block is claimed
 * @param hostNetworks networks of the host's own interfaces, of which nothing is assigned
 */
record IpamAttempt(
    IpamTransaction changes, Reads reads, DecodeCache cache, Clock clock, List<Cidr> hostNetworks) {
  static IpamAttempt of(Reads reads, DecodeCache cache, Clock clock, List<Cidr> hostNetworks) {
    return new IpamAttempt(new IpamTransaction(reads, cache), reads, cache, clock, hostNetworks);
  }

  /** Returns who decides assignments for a node. */
  Assigner assigner(NodeName node) {
    return new Assigner(reads, cache, node, clock, changes, hostNetworks);
  }

  /** Returns who decides releases and repairs. */
  Releaser releaser() {
    return new Releaser(reads, changes);
  }
}
