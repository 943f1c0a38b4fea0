package io.calico4j.felix.rules;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.Rule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the rules of policies and profiles have counted, across changes of the table. The kernel
 * counts anew when a chain is written: what it had counted before goes on being counted here, as
 * far as the chain still has the same line. Not for several threads.
 */
public final class RuleCounters {
  private final Map<String, Chain> chains = new TreeMap<>();

  /** Chains whose lines are about to be written. */
  private final Set<String> pending = new HashSet<>();

  /**
   * What a line has counted in the kernel.
   *
   * @param packets how many packets
   * @param bytes how many bytes they had
   */
  public record Reading(long packets, long bytes) {
    private static final Reading ZERO = new Reading(0, 0);

    private Reading plus(Reading other) {
      return new Reading(packets + other.packets, bytes + other.bytes);
    }
  }

  /**
   * What a rule has counted.
   *
   * @param tier the tier of the policy; empty for a profile
   * @param policy the policy or profile as {@code Kind(namespace/name)}
   * @param ingress whether the rule is for packets to the endpoint
   * @param rule its number in its list, the first is 1
   * @param action what it does
   * @param counted how much it has counted
   */
  public record Count(
      String tier, String policy, boolean ingress, int rule, Rule.Action action, Reading counted) {}

  private record Line(RuleLine line, int repetition) {}

  private static final class Chain {
    final Resource<?> owner;
    final String policy;
    final boolean ingress;
    List<RuleLine> lines = List.of();
    @Nullable List<RuleLine> next;

    /** What each line had counted before the kernel began anew, and what it counts now. */
    List<Reading> before = new ArrayList<>();

    List<Reading> now = new ArrayList<>();

    Chain(Resource<?> owner, String policy, boolean ingress) {
      this.owner = owner;
      this.policy = policy;
      this.ingress = ingress;
    }

    void restart() {
      for (int i = 0; i < lines.size(); i++) {
        before.set(i, before.get(i).plus(now.get(i)));
        now.set(i, Reading.ZERO);
      }
    }

    void write(List<RuleLine> written) {
      restart();
      Map<Line, Reading> kept = new HashMap<>();
      List<Line> former = numbered(lines);
      for (int i = 0; i < lines.size(); i++) {
        kept.put(former.get(i), before.get(i));
      }
      lines = written;
      before = new ArrayList<>();
      now = new ArrayList<>();
      for (Line line : numbered(written)) {
        before.add(kept.getOrDefault(line, Reading.ZERO));
        now.add(Reading.ZERO);
      }
    }

    private static List<Line> numbered(List<RuleLine> lines) {
      Map<RuleLine, Integer> repetitions = new HashMap<>();
      return lines.stream()
          .map(line -> new Line(line, repetitions.merge(line, 1, Integer::sum)))
          .toList();
    }

    void read(List<Optional<Reading>> readings) {
      if (readings.size() != lines.size()) {
        return; // The kernel has something else in the chain's place.
      }
      for (int i = 0; i < lines.size(); i++) {
        Reading reading = readings.get(i).orElse(Reading.ZERO);
        if (reading.packets() < now.get(i).packets()) {
          // Another program has made it begin anew.
          before.set(i, before.get(i).plus(now.get(i)));
        }
        now.set(i, reading);
      }
    }
  }

  RuleCounters() {}

  /** Takes over the lines of a chain, which are written next. */
  void put(String chain, Resource<?> owner, String policy, boolean ingress, List<RuleLine> lines) {
    Chain known = chains.computeIfAbsent(chain, name -> new Chain(owner, policy, ingress));
    if (known.lines.equals(lines)) {
      known.next = null;
      pending.remove(chain);
    } else {
      known.next = List.copyOf(lines);
      pending.add(chain);
    }
  }

  /** Forgets a chain. */
  void remove(String chain) {
    chains.remove(chain);
    pending.remove(chain);
  }

  /** Forgets everything: nothing is counted. */
  void clear() {
    chains.clear();
    pending.clear();
  }

  /** Tells whether nothing is counted. */
  public boolean isEmpty() {
    return chains.isEmpty();
  }

  /** Tells whether chains are about to be written: what they have counted is to be read before. */
  public boolean isPending() {
    return !pending.isEmpty();
  }

  /**
   * Takes over what the kernel has counted.
   *
   * @param readings of each line, by chain; empty for one that does not count
   */
  public void read(Map<String, List<Optional<Reading>>> readings) {
    readings.forEach(
        (name, lines) -> {
          Chain chain = chains.get(name);
          if (chain != null) {
            chain.read(lines);
          }
        });
  }

  /**
   * Notes that what was pending has been written, and counts from zero.
   *
   * @param all whether so does everything else
   */
  public void written(boolean all) {
    if (all) {
      chains.values().forEach(Chain::restart);
    }
    for (String name : pending) {
      Chain chain = chains.get(name);
      List<RuleLine> next = chain == null ? null : chain.next;
      if (chain != null && next != null) {
        chain.write(next);
        chain.next = null;
      }
    }
    pending.clear();
  }

  /** Returns what each rule has counted, as of the last reading. */
  public List<Count> counts() {
    List<Count> counts = new ArrayList<>();
    for (Chain chain : chains.values()) {
      String tier = chain.owner.spec() instanceof PolicySpec policy ? policy.effectiveTier() : "";
      Map<Integer, Count> byRule = new TreeMap<>();
      for (int i = 0; i < chain.lines.size(); i++) {
        RuleLine line = chain.lines.get(i);
        if (line.counted()) {
          Count count =
              new Count(
                  tier,
                  chain.policy,
                  chain.ingress,
                  line.rule(),
                  line.action(),
                  chain.before.get(i).plus(chain.now.get(i)));
          byRule.merge(
              line.rule(),
              count,
              (one, other) ->
                  new Count(
                      one.tier(),
                      one.policy(),
                      one.ingress(),
                      one.rule(),
                      one.action(),
                      one.counted().plus(other.counted())));
        }
      }
      counts.addAll(byRule.values());
    }
    return counts;
  }
}
