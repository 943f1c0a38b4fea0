package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.NftSets.Verdict;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.rules.SetType;
import io.calico4j.felix.rules.TableWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The table as it ought to be, and what differs from it in the kernel. Finding the difference costs
 * what has been put and removed since the last transaction, whatever the table holds. Chains and
 * sets that were removed stay until {@link #difference} is asked for them too: a container is often
 * replaced by one of its kind. Not for several threads.
 */
final class TableState implements TableWriter {
  private final Map<String, List<String>> chains = new HashMap<>();
  private final Map<String, SetState> sets = new HashMap<>();
  private final Map<Interface, String> verdicts = new HashMap<>();

  /** What the kernel has; of sets, their state knows. */
  private final Map<String, List<String>> kernelChains = new HashMap<>();

  private final Map<Interface, String> kernelVerdicts = new HashMap<>();

  private final Set<String> dirtyChains = new LinkedHashSet<>();
  private final Set<String> dirtySets = new LinkedHashSet<>();
  private final Set<Interface> dirtyVerdicts = new LinkedHashSet<>();

  /** In the kernel, but nothing leads to them. */
  private final Set<String> unusedChains = new LinkedHashSet<>();

  private final Set<String> unusedSets = new LinkedHashSet<>();

  private record Interface(Direction direction, String name) {}

  /** A set: its members, and those among which the kernel differs. */
  private static final class SetState {
    final SetType type;
    final Set<Member> members = new HashSet<>();

    /** To be added, or those that are to go. */
    final Set<Member> added = new LinkedHashSet<>();

    final Set<Member> removed = new LinkedHashSet<>();

    boolean inKernel;

    SetState(SetType type) {
      this.type = type;
    }
  }

  /** Members of a set of this type. */
  record Members(SetType type, List<Member> members) {
    static Members of(SetType type, Set<Member> members) {
      return new Members(type, List.copyOf(members));
    }
  }

  /**
   * What takes the kernel's table to what it ought to be.
   *
   * @param newSets sets to be made
   * @param added members to be added
   * @param removed members to be removed
   * @param newChains chains to be made
   * @param rules chains whose rules are to be written, the former ones flushed
   * @param removedVerdicts to be removed before the others are added
   * @param addedVerdicts to be added
   * @param goneChains chains to be removed
   * @param goneSets sets to be removed
   */
  record Difference(
      SortedMap<String, SetType> newSets,
      SortedMap<String, Members> added,
      SortedMap<String, Members> removed,
      SortedSet<String> newChains,
      SortedMap<String, List<String>> rules,
      List<Verdict> removedVerdicts,
      List<Verdict> addedVerdicts,
      SortedSet<String> goneChains,
      SortedSet<String> goneSets) {
    Difference() {
      this(
          new TreeMap<>(),
          new TreeMap<>(),
          new TreeMap<>(),
          new TreeSet<>(),
          new TreeMap<>(),
          new ArrayList<>(),
          new ArrayList<>(),
          new TreeSet<>(),
          new TreeSet<>());
    }

    /** Tells whether nothing differs but elements of sets and maps. */
    boolean hasElementsOnly() {
      return newSets.isEmpty()
          && newChains.isEmpty()
          && rules.isEmpty()
          && goneChains.isEmpty()
          && goneSets.isEmpty();
    }

    /** Returns the number of elements that differ. */
    int elements() {
      int elements = removedVerdicts.size() + addedVerdicts.size();
      for (Members some : added.values()) {
        elements += some.members().size();
      }
      for (Members some : removed.values()) {
        elements += some.members().size();
      }
      return elements;
    }

    /** Tells whether nothing differs. */
    boolean isEmpty() {
      return hasElementsOnly() && elements() == 0;
    }
  }

  @Override
  public void putSet(String name, SetType type) {
    SetState state = sets.get(name);
    if (state == null || state.type != type) {
      sets.put(name, new SetState(type));
      dirtySets.add(name);
    }
    if (unusedSets.remove(name)) {
      dirtySets.add(name);
    }
  }

  @Override
  public void removeSet(String name) {
    SetState state = sets.get(name);
    if (state == null) {
      return;
    }
    if (state.inKernel) {
      // Its members stay as long as the set: a packet that is on its way may still ask for them.
      state.members.removeAll(state.added);
      state.added.clear();
      state.removed.addAll(state.members);
      state.members.clear();
      dirtySets.remove(name);
      unusedSets.add(name);
    } else {
      sets.remove(name);
      dirtySets.remove(name);
    }
  }

  @Override
  public void addMember(String set, Member member) {
    SetState state = sets.get(set);
    if (state == null) {
      throw new IllegalStateException("set " + set + " was not put");
    }
    if (state.members.add(member)) {
      if (!state.removed.remove(member)) {
        state.added.add(member);
      }
      dirtySets.add(set);
    }
  }

  @Override
  public void removeMember(String set, Member member) {
    SetState state = sets.get(set);
    if (state != null && state.members.remove(member)) {
      if (!state.added.remove(member)) {
        state.removed.add(member);
      }
      dirtySets.add(set);
    }
  }

  @Override
  public void putChain(String name, List<String> rules) {
    unusedChains.remove(name);
    chains.put(name, List.copyOf(rules));
    if (rules.equals(kernelChains.get(name))) {
      dirtyChains.remove(name);
    } else {
      dirtyChains.add(name);
    }
  }

  @Override
  public void removeChain(String name) {
    dirtyChains.remove(name);
    if (kernelChains.containsKey(name)) {
      unusedChains.add(name);
    } else {
      chains.remove(name);
    }
  }

  @Override
  public void putVerdict(Direction direction, String interfaceName, String chain) {
    Interface key = new Interface(direction, interfaceName);
    if (!chain.equals(verdicts.put(key, chain))) {
      dirtyVerdicts.add(key);
    }
  }

  @Override
  public void removeVerdict(Direction direction, String interfaceName) {
    Interface key = new Interface(direction, interfaceName);
    if (verdicts.remove(key) != null) {
      dirtyVerdicts.add(key);
    }
  }

  /** Returns the rules of all chains that are in use. */
  Map<String, List<String>> chains() {
    Map<String, List<String>> used = new HashMap<>(chains);
    used.keySet().removeAll(unusedChains);
    return used;
  }

  /** Returns the names of all sets that are in use. */
  Set<String> sets() {
    Set<String> used = new TreeSet<>(sets.keySet());
    used.removeAll(unusedSets);
    return used;
  }

  /** Returns the type of a set. */
  SetType typeOf(String set) {
    SetState state = sets.get(set);
    if (state == null) {
      throw new IllegalStateException("set " + set + " was not put");
    }
    return state.type;
  }

  /** Returns the members of a set; none when it is not there. */
  Set<Member> membersOf(String set) {
    SetState state = sets.get(set);
    return state == null ? Set.of() : Collections.unmodifiableSet(state.members);
  }

  /** Tells whether any of these chains or sets differs from the kernel's. */
  boolean isDirty(Set<String> names) {
    return !Collections.disjoint(dirtyChains, names) || !Collections.disjoint(dirtySets, names);
  }

  /** Tells whether there are chains or sets that nothing leads to. */
  boolean hasUnused() {
    return !unusedChains.isEmpty() || !unusedSets.isEmpty();
  }

  /** Returns what differs, but for chains and sets that nothing leads to any more. */
  Difference difference() {
    Difference difference = new Difference();
    for (String name : dirtySets) {
      SetState state = sets.get(name);
      if (state == null) {
        continue;
      }
      if (!state.inKernel) {
        difference.newSets.put(name, state.type);
      }
      if (!state.added.isEmpty()) {
        difference.added.put(name, Members.of(state.type, state.added));
      }
      if (!state.removed.isEmpty()) {
        difference.removed.put(name, Members.of(state.type, state.removed));
      }
    }
    for (String name : dirtyChains) {
      List<String> rules = chains.get(name);
      List<String> present = kernelChains.get(name);
      if (rules != null && !rules.equals(present)) {
        difference.rules.put(name, rules);
        if (present == null) {
          difference.newChains.add(name);
        }
      }
    }
    for (Interface key : dirtyVerdicts) {
      String chain = verdicts.get(key);
      String present = kernelVerdicts.get(key);
      if (present != null && !present.equals(chain)) {
        difference.removedVerdicts.add(verdict(key, present));
      }
      if (chain != null && !chain.equals(present)) {
        difference.addedVerdicts.add(verdict(key, chain));
      }
    }
    return difference;
  }

  private static Verdict verdict(Interface key, String chain) {
    return new Verdict(NftTable.map(key.direction()), key.name(), chain);
  }

  /** Notes that the difference is in the kernel. */
  void commit() {
    for (String name : dirtySets) {
      SetState state = sets.get(name);
      if (state != null) {
        state.inKernel = true;
        state.added.clear();
        state.removed.clear();
      }
    }
    for (String name : dirtyChains) {
      List<String> rules = chains.get(name);
      if (rules != null) {
        kernelChains.put(name, rules);
      }
    }
    for (Interface key : dirtyVerdicts) {
      String chain = verdicts.get(key);
      if (chain == null) {
        kernelVerdicts.remove(key);
      } else {
        kernelVerdicts.put(key, chain);
      }
    }
    dirtySets.clear();
    dirtyChains.clear();
    dirtyVerdicts.clear();
  }

  /** Returns what removes the chains and sets that nothing leads to; ask when nothing is dirty. */
  Difference unused() {
    Difference difference = new Difference();
    difference.goneChains.addAll(unusedChains);
    difference.goneSets.addAll(unusedSets);
    return difference;
  }

  /** Notes that the chains and sets that nothing leads to are gone. */
  void commitUnused() {
    unusedChains.forEach(chains::remove);
    unusedChains.forEach(kernelChains::remove);
    unusedSets.forEach(sets::remove);
    unusedChains.clear();
    unusedSets.clear();
  }

  /**
   * Forgets what the kernel has, as if it had nothing; unused chains and sets are forgotten too.
   */
  void forget() {
    commitUnused();
    kernelChains.clear();
    kernelVerdicts.clear();
    dirtyChains.addAll(chains.keySet());
    dirtySets.addAll(sets.keySet());
    dirtyVerdicts.clear();
    dirtyVerdicts.addAll(verdicts.keySet());
    sets.values()
        .forEach(
            state -> {
              state.inKernel = false;
              state.added.clear();
              state.added.addAll(state.members);
              state.removed.clear();
            });
  }
}
