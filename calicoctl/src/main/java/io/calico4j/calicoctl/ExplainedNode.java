package io.calico4j.calicoctl;

import io.calico4j.felix.explain.NodeTrace.Trace;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a node does with a connection.
 *
 * @param node its name
 * @param ways what happens by each interface that the connection may take there; by the words for
 *     it, and without words where it does not matter
 */
record ExplainedNode(String node, Map<String, Trace> ways) {
  private static final String DEPENDS = "depends on the interface";

  /** Leaves one way where they are all the same. */
  static ExplainedNode of(String node, Map<String, Trace> ways) {
    Trace first = ways.values().iterator().next();
    return ways.values().stream().allMatch(first::equals)
        ? new ExplainedNode(node, Map.of("", first))
        : new ExplainedNode(node, ways);
  }

  /** Returns allowed, denied, or that it depends on the interface. */
  String verdict() {
    Set<Boolean> verdicts = new TreeSet<>();
    ways.values().forEach(way -> verdicts.add(way.allowed()));
    return verdicts.size() > 1 ? DEPENDS : verdict(verdicts.contains(true));
  }

  /** Returns the verdict of all nodes that a connection passes. */
  static String verdict(List<ExplainedNode> nodes) {
    List<String> all = nodes.stream().map(ExplainedNode::verdict).toList();
    return all.contains(verdict(false))
        ? verdict(false)
        : all.contains(DEPENDS) ? DEPENDS : verdict(true);
  }

  /** Returns allowed or denied. */
  static String verdict(boolean allowed) {
    return allowed ? "allowed" : "denied";
  }
}
