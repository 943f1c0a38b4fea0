package io.calico4j.felix.rules;

import io.calico4j.felix.calculation.Member;
import java.util.EnumMap;
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
  private final Map<Direction, SortedMap<String, String>> verdicts = new EnumMap<>(Direction.class);

  /** What is in the table at one time: members as text. */
  public record Ruleset(
      Map<String, SortedSet<String>> sets,
      Map<String, List<String>> chains,
      Map<Direction, SortedMap<String, String>> verdicts) {
    /** Returns the chains of packets from workloads, by interface. */
    public Map<String, String> fromWorkload() {
      return verdicts(Direction.FROM_WORKLOAD);
    }

    /** Returns the chains of packets to workloads, by interface. */
    public Map<String, String> toWorkload() {
      return verdicts(Direction.TO_WORKLOAD);
    }

    /** Returns the chains by interface. */
    public Map<String, String> verdicts(Direction direction) {
      return verdicts.getOrDefault(direction, new TreeMap<>());
    }
  }

  /** Copies what is there now. */
  public Ruleset snapshot() {
    SortedMap<String, SortedSet<String>> members = new TreeMap<>();
    sets.forEach((name, some) -> members.put(name, new TreeSet<>(some)));
    Map<Direction, SortedMap<String, String>> directions = new EnumMap<>(Direction.class);
    verdicts.forEach(
        (direction, some) -> {
          if (!some.isEmpty()) {
            directions.put(direction, new TreeMap<>(some));
          }
        });
    return new Ruleset(members, new TreeMap<>(chains), directions);
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
    verdicts.computeIfAbsent(direction, d -> new TreeMap<>()).put(interfaceName, chain);
  }

  @Override
  public void removeVerdict(Direction direction, String interfaceName) {
    verdicts.computeIfAbsent(direction, d -> new TreeMap<>()).remove(interfaceName);
  }
}
