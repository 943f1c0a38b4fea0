package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.rules.SetType;
import io.calico4j.felix.rules.TableWriter;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** A whole table as it ought to be, for tests that go from one to another. */
record Wanted(
    Map<String, AddressSet> sets,
    Map<String, List<String>> chains,
    Map<String, String> fromWorkload,
    Map<String, String> toWorkload) {
  static final Wanted EMPTY = new Wanted(Map.of(), Map.of(), Map.of(), Map.of());

  /** A set with its members: addresses or networks. */
  record AddressSet(SetType type, Set<String> members) {
    static AddressSet of(SetType type, String... members) {
      return new AddressSet(type, new TreeSet<>(List.of(members)));
    }
  }

  /** Puts what is new, and removes what is not wanted any more. */
  void putOver(Wanted before, TableWriter table) {
    new TreeMap<>(sets).forEach((name, set) -> table.putSet(name, set.type()));
    new TreeMap<>(sets)
        .forEach(
            (name, set) -> {
              Set<String> present = members(before, name);
              set.members().stream()
                  .filter(member -> !present.contains(member))
                  .forEach(member -> table.addMember(name, member(member)));
              present.stream()
                  .filter(member -> !set.members().contains(member))
                  .forEach(member -> table.removeMember(name, member(member)));
            });
    new TreeMap<>(chains).forEach(table::putChain);
    verdicts(Direction.FROM_WORKLOAD, before.fromWorkload, fromWorkload, table);
    verdicts(Direction.TO_WORKLOAD, before.toWorkload, toWorkload, table);
    before.chains.keySet().stream()
        .filter(name -> !chains.containsKey(name))
        .forEach(table::removeChain);
    before.sets.keySet().stream().filter(name -> !sets.containsKey(name)).forEach(table::removeSet);
  }

  private static Set<String> members(Wanted wanted, String set) {
    AddressSet found = wanted.sets.get(set);
    return found == null ? Set.of() : found.members();
  }

  private static Member member(String text) {
    return new Member.Network(Cidr.parse(text));
  }

  private static void verdicts(
      Direction direction,
      Map<String, String> before,
      Map<String, String> after,
      TableWriter table) {
    before.keySet().stream()
        .filter(name -> !after.containsKey(name))
        .forEach(name -> table.removeVerdict(direction, name));
    new TreeMap<>(after).forEach((name, chain) -> table.putVerdict(direction, name, chain));
  }
}
