package io.calico4j.felix.dataplane.nft;

import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.rules.Ruleset;

/**
 * Keeps the table as it ought to be. The first apply, and every one after a failure, replaces the
 * whole table in one transaction; the others send differences.
 */
public final class NftablesDataplane implements AutoCloseable {
  private final Nft nft;
  private Ruleset actual = Ruleset.EMPTY;
  private boolean known;

  /** Makes a dataplane that has not looked at the kernel yet. */
  public NftablesDataplane(Nft nft) {
    this.nft = nft;
  }

  /** Brings the kernel to the ruleset; on failure the next call starts from nothing known. */
  public void apply(Ruleset desired) throws NftException {
    String commands = known ? NftTable.change(actual, desired) : NftTable.replaceAll(desired);
    if (!commands.isEmpty()) {
      boolean before = known;
      known = false;
      try {
        nft.run(commands);
      } catch (NftException e) {
        if (!before) {
          throw e;
        }
        nft.run(NftTable.replaceAll(desired));
      }
    }
    actual = desired;
    known = true;
  }

  /** Makes the next apply replace the whole table: puts right what others changed in it. */
  public void distrust() {
    known = false;
  }

  @Override
  public void close() {
    nft.close();
  }
}
