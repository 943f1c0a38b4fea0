package io.calico4j.core.ipam;

import java.time.Clock;

/**
 * One attempt at a change of IPAM's data: those who decide, and the changes they collect. Thrown
 * away when the transaction conflicts.
 *
 * @param changes what is going to be written
 * @param assigner decides assignments
 * @param releaser decides releases and repairs
 */
record IpamAttempt(IpamTransaction changes, Assigner assigner, Releaser releaser) {
  static IpamAttempt of(Reads reads, DecodeCache cache, String node, Clock clock) {
    IpamTransaction changes = new IpamTransaction(reads, cache);
    return new IpamAttempt(
        changes,
        new Assigner(reads, cache, node, clock, changes),
        new Releaser(reads, node, changes));
  }
}
