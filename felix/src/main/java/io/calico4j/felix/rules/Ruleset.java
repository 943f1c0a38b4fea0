package io.calico4j.felix.rules;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * All that ought to be in the table.
 *
 * @param sets named sets
 * @param chains rules by chain; base chains are fixed and not among them
 * @param fromWorkload interface to chain, for packets that come from it
 * @param toWorkload interface to chain, for packets that go to it
 */
public record Ruleset(
    Map<String, AddressSet> sets,
    Map<String, List<String>> chains,
    Map<String, String> fromWorkload,
    Map<String, String> toWorkload) {
  /** Copies the maps in order. */
  public Ruleset {
    sets = Collections.unmodifiableMap(new TreeMap<>(sets));
    chains = Collections.unmodifiableMap(new TreeMap<>(chains));
    fromWorkload = Collections.unmodifiableMap(new TreeMap<>(fromWorkload));
    toWorkload = Collections.unmodifiableMap(new TreeMap<>(toWorkload));
  }

  /** Returns this, with the chains and sets of another that nothing here leads to any more. */
  public Ruleset keeping(Ruleset former) {
    Map<String, AddressSet> allSets = new TreeMap<>(former.sets());
    allSets.putAll(sets);
    Map<String, List<String>> allChains = new TreeMap<>(former.chains());
    allChains.putAll(chains);
    return new Ruleset(allSets, allChains, fromWorkload, toWorkload);
  }

  /** Nothing at all. */
  public static final Ruleset EMPTY = new Ruleset(Map.of(), Map.of(), Map.of(), Map.of());

  /**
   * A named set.
   *
   * @param declaration its type and flags, as in a set's block
   * @param members its elements as text
   */
  public record AddressSet(String declaration, SortedSet<String> members) {
    /** The declaration of a set of single IPv4 addresses. */
    public static final String IPV4 = "type ipv4_addr;";

    /** The declaration of a set of single IPv6 addresses. */
    public static final String IPV6 = "type ipv6_addr;";

    /** Copies the members. */
    public AddressSet {
      members = Collections.unmodifiableSortedSet(new java.util.TreeSet<>(members));
    }

    /** Tells whether every member is a single address and nothing else. */
    public boolean holdsAddresses() {
      return declaration.equals(IPV4) || declaration.equals(IPV6);
    }
  }
}
