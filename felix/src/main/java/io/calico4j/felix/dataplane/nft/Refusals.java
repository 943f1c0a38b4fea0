package io.calico4j.felix.dataplane.nft;

import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.rules.Ruleset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
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
  private final Map<String, List<String>> refusedChains = new HashMap<>();
  private final Map<String, Ruleset.AddressSet> refusedSets = new HashMap<>();

  Refusals(Nft nft) {
    this.nft = nft;
  }

  /** Returns the names of what is refused now. */
  Set<String> names() {
    Set<String> names = new TreeSet<>(refusedChains.keySet());
    names.addAll(refusedSets.keySet());
    return names;
  }

  /** Returns the ruleset without what is known to be refused. */
  Ruleset without(Ruleset desired) {
    refusedChains.entrySet().removeIf(e -> !e.getValue().equals(desired.chains().get(e.getKey())));
    refusedSets.entrySet().removeIf(e -> !e.getValue().equals(desired.sets().get(e.getKey())));
    if (names().isEmpty()) {
      return desired;
    }
    Map<String, List<String>> chains = new TreeMap<>(desired.chains());
    Map<String, Ruleset.AddressSet> sets = new TreeMap<>(desired.sets());
    refusedSets.forEach(
        (name, set) -> sets.put(name, new Ruleset.AddressSet(set.declaration(), new TreeSet<>())));
    chains.replaceAll(
        (name, rules) ->
            name.startsWith(FILTERS)
                    && (refusedChains.containsKey(name)
                        || rules.stream()
                            .anyMatch(rule -> refusedSets.keySet().stream().anyMatch(asks(rule))))
                ? CLOSED
                : rules);
    return new Ruleset(sets, chains, desired.fromWorkload(), desired.toWorkload());
  }

  private static java.util.function.Predicate<String> asks(String rule) {
    return set -> (rule + " ").contains("@" + set + " ");
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
  boolean find(Ruleset desired) {
    if (isRefused(Ruleset.EMPTY)) {
      return false;
    }
    boolean found = false;
    for (Map.Entry<String, Ruleset.AddressSet> set : desired.sets().entrySet()) {
      if (!refusedSets.containsKey(set.getKey())
          && isRefused(
              new Ruleset(Map.of(set.getKey(), set.getValue()), Map.of(), Map.of(), Map.of()))) {
        refusedSets.put(set.getKey(), set.getValue());
        found = true;
      }
    }
    Map<String, Ruleset.AddressSet> declared = new TreeMap<>();
    desired
        .sets()
        .forEach(
            (name, set) ->
                declared.put(name, new Ruleset.AddressSet(set.declaration(), new TreeSet<>())));
    Map<String, List<String>> empty = new TreeMap<>();
    desired.chains().keySet().forEach(name -> empty.put(name, List.of()));
    for (Map.Entry<String, List<String>> chain : desired.chains().entrySet()) {
      Map<String, List<String>> alone = new TreeMap<>(empty);
      alone.put(chain.getKey(), chain.getValue());
      if (chain.getKey().startsWith(FILTERS)
          && !refusedChains.containsKey(chain.getKey())
          && isRefused(new Ruleset(declared, alone, Map.of(), Map.of()))) {
        refusedChains.put(chain.getKey(), chain.getValue());
        found = true;
      }
    }
    return found;
  }

  private boolean isRefused(Ruleset alone) {
    try {
      nft.check(NftTable.replaceAll(alone));
      return false;
    } catch (NftException e) {
      return true;
    }
  }
}
