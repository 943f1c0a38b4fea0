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
    TO_WORKLOAD,
    /** What the host itself receives from it. */
    FROM_HOST,
    /** What the host itself sends to it. */
    TO_HOST,
    /** What comes from it and is forwarded. */
    FROM_HOST_FORWARD,
    /** What is forwarded to it. */
    TO_HOST_FORWARD,
    /** What comes from it, before connection tracking. */
    FROM_HOST_UNTRACKED,
    /** What the host itself sends to it, before connection tracking. */
    TO_HOST_UNTRACKED,
    /** What comes from it, before destinations are translated. */
    FROM_HOST_PRE_DNAT
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

  /**
   * Takes the verdict away: packets from and to workloads are dropped then, those of the host's
   * interfaces go on to the next chain.
   */
  void removeVerdict(Direction direction, String interfaceName);
}
