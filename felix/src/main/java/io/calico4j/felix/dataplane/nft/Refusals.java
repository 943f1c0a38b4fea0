package io.calico4j.felix.dataplane.nft;

import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the chains and sets that the kernel refuses, and puts something in their place that closes:
 * a refused chain drops, a refused set is left without members, and whatever asks it drops. A chain
 * or set that was refused is not tried again before it changes. Not for several threads.
 */
final class Refusals {
  /** How the chains begin in which a packet's verdict may be "drop" without harm to the host. */
  private static final String FILTERS = "filter-cali-";

  private static final List<String> CLOSED = List.of("drop comment \"the kernel refused this\"");

  private final Nft nft;
  private final Set<String> refusedChains = new HashSet<>();
  private final Set<String> refusedSets = new HashSet<>();

  Refusals(Nft nft) {
    this.nft = nft;
  }

  /** Returns the names of what is refused now. */
  Set<String> names() {
    Set<String> names = new TreeSet<>(refusedChains);
    names.addAll(refusedSets);
    return names;
  }

  /** Returns what differs, with something that closes in place of what is known to be refused. */
  Difference without(Difference difference) {
    if (refusedChains.isEmpty() && refusedSets.isEmpty()) {
      return difference;
    }
    difference.added().keySet().removeAll(refusedSets);
    difference.removed().keySet().removeAll(refusedSets);
    difference
        .rules()
        .replaceAll(
            (name, rules) ->
                name.startsWith(FILTERS)
                        && (refusedChains.contains(name)
                            || rules.stream().anyMatch(this::asksRefusedSet))
                    ? CLOSED
                    : rules);
    return difference;
  }

  private boolean asksRefusedSet(String rule) {
    return refusedSets.stream().anyMatch(set -> (rule + " ").contains("@" + set + " "));
  }

  /** Forgets those that are not in use any more. */
  void retain(TableState table) {
    if (!refusedChains.isEmpty() || !refusedSets.isEmpty()) {
      refusedChains.retainAll(table.chains().keySet());
      refusedSets.retainAll(table.sets());
    }
  }

  /** Forgets what was refused: all of it is tried again. */
  void forget() {
    refusedChains.clear();
    refusedSets.clear();
  }

  /**
   * Tries each set and each chain of endpoints, policies and profiles by itself; tells whether one
   * is refused that was not before. Where the kernel refuses the bare table, as when another
   * program owns it, nothing is isolated.
   */
  boolean find(TableState table) {
    if (isRefused(new TableState())) {
      return false;
    }
    boolean found = false;
    for (String name : table.sets()) {
      TableState alone = new TableState();
      alone.putSet(name, table.typeOf(name));
      table.membersOf(name).forEach(member -> alone.addMember(name, member));
      found |= isRefused(alone) && refusedSets.add(name);
    }
    for (Map.Entry<String, List<String>> chain : table.chains().entrySet()) {
      if (chain.getKey().startsWith(FILTERS)) {
        TableState alone = new TableState();
        table.sets().forEach(name -> alone.putSet(name, table.typeOf(name)));
        table.chains().keySet().forEach(name -> alone.putChain(name, List.of()));
        alone.putChain(chain.getKey(), chain.getValue());
        found |= isRefused(alone) && refusedChains.add(chain.getKey());
      }
    }
    return found;
  }

  private boolean isRefused(TableState alone) {
    try {
      nft.check(NftTable.replaceAll(alone.difference()));
      return false;
    } catch (NftException e) {
      return true;
    }
  }
}
