package io.calico4j.felix.rules;

import io.calico4j.felix.calculation.Member;
import java.util.List;

/** Takes what ought to be in the table; what was put is in force after the next transaction. */
public interface TableWriter {
  /** Which packets of an interface a verdict is for. */
  enum Direction {
    /** Packets that come from it. */
    FROM_WORKLOAD,
    /** Packets that go to it. */
    TO_WORKLOAD
  }

  /** Puts a set without members; one that is there with its members stays as it is. */
  void putSet(String name, SetType type);

  /** Removes a set. */
  void removeSet(String name);

  /** Adds a member to a set that was put. */
  void addMember(String set, Member member);

  /** Removes a member. */
  void removeMember(String set, Member member);

  /** Puts a chain, or exchanges its rules. */
  void putChain(String name, List<String> rules);

  /** Removes a chain. */
  void removeChain(String name);

  /** Sends packets of an interface to a chain that was put. */
  void putVerdict(Direction direction, String interfaceName, String chain);

  /** Lets packets of an interface be dropped. */
  void removeVerdict(Direction direction, String interfaceName);
}
