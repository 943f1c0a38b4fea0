package io.calico4j.felix.rules;

import io.calico4j.felix.calculation.Member;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Keeps what was put and not removed. */
public final class RecordingTable implements TableWriter {
  private final SortedMap<String, SortedSet<String>> sets = new TreeMap<>();
  private final SortedMap<String, List<String>> chains = new TreeMap<>();
  private final SortedMap<String, String> fromWorkload = new TreeMap<>();
  private final SortedMap<String, String> toWorkload = new TreeMap<>();

  /** What is in the table at one time: members as text. */
  public record Ruleset(
      Map<String, SortedSet<String>> sets,
      Map<String, List<String>> chains,
      Map<String, String> fromWorkload,
      Map<String, String> toWorkload) {}

  /** Copies what is there now. */
  public Ruleset snapshot() {
    SortedMap<String, SortedSet<String>> members = new TreeMap<>();
    sets.forEach((name, some) -> members.put(name, new TreeSet<>(some)));
    return new Ruleset(
        members, new TreeMap<>(chains), new TreeMap<>(fromWorkload), new TreeMap<>(toWorkload));
  }

  private static String text(Member member) {
    if (member instanceof Member.Port port) {
      return port.address() + " . " + port.protocol().number() + " . " + port.port();
    }
    var cidr = ((Member.Network) member).cidr();
    return cidr.isSingle() ? cidr.address().toString() : cidr.toString();
  }

  private SortedSet<String> set(String name) {
    SortedSet<String> members = sets.get(name);
    if (members == null) {
      throw new AssertionError("set " + name + " was not put");
    }
    return members;
  }

  @Override
  public void putSet(String name, SetType type) {
    sets.putIfAbsent(name, new TreeSet<>());
  }

  @Override
  public void removeSet(String name) {
    sets.remove(name);
  }

  @Override
  public void addMember(String set, Member member) {
    if (!set(set).add(text(member))) {
      throw new AssertionError(set + " has " + member + " already");
    }
  }

  @Override
  public void removeMember(String set, Member member) {
    if (!set(set).remove(text(member))) {
      throw new AssertionError(set + " has no " + member);
    }
  }

  @Override
  public void putChain(String name, List<String> rules) {
    chains.put(name, List.copyOf(rules));
  }

  @Override
  public void removeChain(String name) {
    chains.remove(name);
  }

  @Override
  public void putVerdict(Direction direction, String interfaceName, String chain) {
    (direction == Direction.FROM_WORKLOAD ? fromWorkload : toWorkload).put(interfaceName, chain);
  }

  @Override
  public void removeVerdict(Direction direction, String interfaceName) {
    (direction == Direction.FROM_WORKLOAD ? fromWorkload : toWorkload).remove(interfaceName);
  }
}
