package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.NftSets.Verdict;
import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.dataplane.nft.TableState.Members;
import io.calico4j.felix.rules.SetType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A difference in the order in which the kernel is told of it, so that a packet that is on its way
 * during a transaction meets nothing that is open. The kernel commits a transaction at once only
 * for packets that come after it. One that is on its way goes on with the rules that it has begun
 * with, but asks sets as they are at that instant; it finds a new element of a map at once, a new
 * chain empty, and a set of intervals without the members of the same transaction for a moment
 * ({@code nf_tables_commit} in Linux's {@code net/netfilter/nf_tables_api.c}). Therefore whatever
 * rules ask for is there before the rules are, and goes after them; an address that goes over from
 * one set to another is in both for a while.
 *
 * @param grow what nothing leads to yet, and members that rules of the next stage ask for
 * @param change rules and verdicts, and members of which it does not matter when they come and go
 * @param shrink members that only former rules ask for, or that are in another set by now
 */
record Stages(Difference grow, Difference change, Difference shrink) {
  /** Divides a difference; the kernel is to be told of the stages that are not empty. */
  static Stages of(Difference difference) {
    Difference grow = new Difference();
    Difference change = new Difference();
    Difference shrink = new Difference();
    grow.newSets().putAll(difference.newSets());
    grow.newChains().addAll(difference.newChains());
    difference
        .rules()
        .forEach(
            (chain, rules) ->
                (difference.newChains().contains(chain) ? grow : change).rules().put(chain, rules));
    change.removedVerdicts().addAll(difference.removedVerdicts());
    change.addedVerdicts().addAll(difference.addedVerdicts());
    boolean apart = !change.rules().isEmpty() || replacesVerdicts(difference) || moves(difference);
    Difference growing = apart ? grow : change;
    Difference shrinking = apart ? shrink : change;
    difference
        .added()
        .forEach(
            (set, some) -> {
              if (difference.newSets().containsKey(set)) {
                grow.added().put(set, some);
              } else {
                // The kernel refuses intervals that overlap: these two change places at once.
                List<Member> within = within(some, difference.removed().get(set));
                put(growing.added(), set, some.type(), without(some, within));
                put(shrinking.added(), set, some.type(), within);
              }
            });
    difference
        .removed()
        .forEach(
            (set, some) -> {
              List<Member> within = within(some, difference.added().get(set));
              put(growing.removed(), set, some.type(), within);
              put(shrinking.removed(), set, some.type(), without(some, within));
            });
    change.goneChains().addAll(difference.goneChains());
    change.goneSets().addAll(difference.goneSets());
    return new Stages(grow, change, shrink);
  }

  private static boolean replacesVerdicts(Difference difference) {
    Map<String, Set<String>> removed = new HashMap<>();
    for (Verdict verdict : difference.removedVerdicts()) {
      removed.computeIfAbsent(verdict.set(), map -> new HashSet<>()).add(verdict.interfaceName());
    }
    return difference.addedVerdicts().stream()
        .anyMatch(
            verdict ->
                removed.getOrDefault(verdict.set(), Set.of()).contains(verdict.interfaceName()));
  }

  /** Tells whether an address leaves a set and comes to one. */
  private static boolean moves(Difference difference) {
    if (difference.added().isEmpty() || difference.removed().isEmpty()) {
      return false;
    }
    TreeSet<Cidr> gone = new TreeSet<>();
    difference.removed().values().forEach(some -> gone.addAll(networks(some.members())));
    for (Members some : difference.added().values()) {
      for (Cidr network : networks(some.members())) {
        if (isInside(network, gone) || holdsAny(network, gone)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Returns those networks that lie inside one of the others. */
  private static List<Member> within(Members some, @Nullable Members others) {
    if (others == null) {
      return List.of();
    }
    TreeSet<Cidr> around = new TreeSet<>(networks(others.members()));
    List<Member> within = new ArrayList<>();
    for (Member member : some.members()) {
      if (member instanceof Member.Network network && isInside(network.cidr(), around)) {
        within.add(member);
      }
    }
    return within;
  }

  private static boolean isInside(Cidr network, TreeSet<Cidr> others) {
    for (int prefix = 0; prefix <= network.prefix(); prefix++) {
      if (others.contains(new Cidr(network.address(), prefix))) {
        return true;
      }
    }
    return false;
  }

  private static boolean holdsAny(Cidr network, TreeSet<Cidr> others) {
    Cidr next = others.ceiling(network);
    return next != null && network.contains(next);
  }

  private static List<Cidr> networks(List<Member> members) {
    List<Cidr> networks = new ArrayList<>(members.size());
    for (Member member : members) {
      networks.add(
          member instanceof Member.Port port
              ? port.address().toCidr()
              : ((Member.Network) member).cidr());
    }
    return networks;
  }

  private static void put(
      SortedMap<String, Members> sets, String set, SetType type, List<Member> members) {
    if (!members.isEmpty()) {
      sets.put(set, new Members(type, members));
    }
  }

  private static List<Member> without(Members some, List<Member> others) {
    if (others.isEmpty()) {
      return some.members();
    }
    List<Member> rest = new ArrayList<>(some.members());
    rest.removeAll(new HashSet<>(others));
    return rest;
  }
}
