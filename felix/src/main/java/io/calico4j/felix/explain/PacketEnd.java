package io.calico4j.felix.explain;

import org.jspecify.annotations.Nullable;

/** Where a packet comes from, or goes to, on a node. */
public sealed interface PacketEnd {
  /**
   * A workload of the node.
   *
   * @param endpoint the key of its WorkloadEndpoint
   */
  record Workload(String endpoint) implements PacketEnd {}

  /** The node itself. */
  record Node() implements PacketEnd {}

  /**
   * Something outside of the node.
   *
   * @param hostEndpoint the key of the HostEndpoint whose interface leads there; null for an
   *     interface without one of its own
   */
  record Outside(@Nullable String hostEndpoint) implements PacketEnd {}
}
