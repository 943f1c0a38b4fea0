package io.calico4j.felix.dataplane.nft;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The generations of nftables' ruleset that this process has made, the last {@value #KEPT} of them:
 * whatever else changes the table was done by another program. Not for several threads.
 */
final class OwnGenerations {
  private static final int KEPT = 1024;

  private final Set<Integer> made = new LinkedHashSet<>();
  private int last;

  /** Notes the generation after a transaction of this process. */
  void add(int generation) {
    last = generation;
    made.add(generation);
    if (made.size() > KEPT) {
      made.remove(made.iterator().next());
    }
  }

  /** Tells whether this process made the generation. */
  boolean contains(int generation) {
    return made.contains(generation);
  }

  /** Returns the last one that this process made; 0 when it has made none. */
  int last() {
    return last;
  }
}
