package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a BGPPeer. The local side is {@code nodeSelector}, else {@code node}, else every node;
 * the remote side is {@code peerSelector}, else {@code peerIP} with {@code asNumber}.
 *
 * @param node the local node
 * @param nodeSelector the local nodes
 * @param peerIP address, {@code address:port} or {@code [v6]:port}
 * @param asNumber the remote AS number
 * @param peerSelector the remote Calico nodes
 * @param keepOriginalNextHop keeps the next hop towards eBGP peers
 * @param nextHopMode Auto (default), Self or Keep
 * @param sourceAddress UseNodeIP (default) or None
 * @param filters names of BGPFilters
 */
public record BgpPeerSpec(
    @Nullable String node,
    @Nullable String nodeSelector,
    @Nullable String peerIP,
    @Nullable AsNumber asNumber,
    @Nullable String peerSelector,
    @Nullable Boolean keepOriginalNextHop,
    @Nullable String nextHopMode,
    @Nullable String sourceAddress,
    List<String> filters) {
  /** Copies the list; an absent one becomes empty. */
  public BgpPeerSpec {
    filters = Lists.copy(filters);
  }
}
