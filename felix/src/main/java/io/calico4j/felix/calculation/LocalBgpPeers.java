package io.calico4j.felix.calculation;

import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.selector.Selector;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The BGPPeers whose peers are workloads of a node ({@code
 * felix/calc/active_bgp_peer_calculator.go}): of several for one workload the first name counts.
 */
final class LocalBgpPeers {
  /** By name. */
  private final Map<String, Peer> peers = new TreeMap<>();

  private record Peer(BgpPeerSpec spec, Selector workloads) {}

  /** Puts a peer, or removes it (null); one whose selector cannot be read is left out. */
  void put(String name, @Nullable BgpPeerSpec peer) {
    peers.remove(name);
    String workloads = peer == null ? null : peer.localWorkloadSelector();
    if (peer != null && workloads != null && !workloads.isEmpty()) {
      try {
        peers.put(name, new Peer(peer, Selector.parse(workloads)));
      } catch (IllegalArgumentException e) {
        // A peer that cannot be read leaves itself out.
        peers.remove(name);
      }
    }
  }

  /**
   * Returns the name of the peer that selects each workload, by the workload's key.
   *
   * @param name the name of the workloads' node
   * @param node its resource; null when it is not known
   * @param labels of each workload, by its key
   */
  Map<String, String> of(
      String name, @Nullable Resource<NodeSpec> node, Map<String, Map<String, String>> labels) {
    Map<String, String> found = new HashMap<>();
    peers.forEach(
        (peer, value) -> {
          if (isFor(value.spec(), name, node)) {
            labels.forEach(
                (key, own) -> {
                  if (value.workloads().matches(own)) {
                    found.putIfAbsent(key, peer);
                  }
                });
          }
        });
    return found;
  }

  private static boolean isFor(BgpPeerSpec peer, String name, @Nullable Resource<NodeSpec> node) {
    String selector = peer.nodeSelector();
    if (selector != null && !selector.isEmpty()) {
      try {
        return node != null && Selector.parse(selector).matches(node.metadata().labels());
      } catch (IllegalArgumentException e) {
        return false;
      }
    }
    return Optional.ofNullable(peer.node()).filter(own -> !own.isEmpty()).stream()
        .allMatch(name::equals);
  }

  /** Tells whether any peer is a workload. */
  boolean isEmpty() {
    return peers.isEmpty();
  }
}
