package io.calico4j.core.ipam;

import io.calico4j.core.name.NodeName;
import java.time.Clock;

/**
 * One attempt at a change of IPAM's data: those who decide, and the changes they collect. Thrown
 * away when the transaction conflicts.
 *
 * @param changes what is going to be written
 * @param reads where the inputs come from
 * @param cache what has been read before
 * @param clock says when a block is claimed
 */
record IpamAttempt(IpamTransaction changes, Reads reads, DecodeCache cache, Clock clock) {
  static IpamAttempt of(Reads reads, DecodeCache cache, Clock clock) {
    return new IpamAttempt(new IpamTransaction(reads, cache), reads, cache, clock);
  }

  /** Returns who decides assignments for a node. */
  Assigner assigner(NodeName node) {
    return new Assigner(reads, cache, node, clock, changes);
  }

  /** Returns who decides releases and repairs. */
  Releaser releaser() {
    return new Releaser(reads, changes);
  }
}
