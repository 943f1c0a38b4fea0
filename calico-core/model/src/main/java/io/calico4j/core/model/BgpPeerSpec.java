package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a BGPPeer. The local side is {@code nodeSelector}, else {@code node}, else every node;
 * the remote side is {@code localWorkloadSelector}, else {@code peerSelector}, else {@code peerIP}
 * with {@code asNumber}.
 *
 * @param node the local node
 * @param nodeSelector the local nodes
 * @param peerIP address, {@code address:port} or {@code [v6]:port}
 * @param asNumber the remote AS number
 * @param localASNumber the AS number of this side; null for the node's
 * @param peerSelector the remote Calico nodes
 * @param localWorkloadSelector workloads of the local node that speak BGP
 * @param keepOriginalNextHop keeps the next hop towards eBGP peers
 * @param nextHopMode Auto (default), Self or Keep
 * @param password of the session
 * @param sourceAddress UseNodeIP (default) or None
 * @param maxRestartTime how long routes are kept while a side restarts; 120 s when null
 * @param keepaliveTime how often the sides tell each other that they live
 * @param numAllowedLocalASNumbers how often the own AS may be in the path of a route that is taken
 * @param ttlSecurity how many hops away the peer is at most; packets from further away are dropped
 * @param reachableBy the gateway by which peerIP is reached
 * @param filters names of BGPFilters, in order
 * @param reversePeering Auto (default) or Manual: whether the selected Calico nodes peer back
 */
public record BgpPeerSpec(
    @Nullable String node,
    @Nullable String nodeSelector,
    @Nullable String peerIP,
    @Nullable AsNumber asNumber,
    @Nullable AsNumber localASNumber,
    @Nullable String peerSelector,
    @Nullable String localWorkloadSelector,
    @Nullable Boolean keepOriginalNextHop,
    @Nullable String nextHopMode,
    @Nullable SecretKeySelector password,
    @Nullable String sourceAddress,
    @Nullable String maxRestartTime,
    @Nullable String keepaliveTime,
    @Nullable Integer numAllowedLocalASNumbers,
    @Nullable Integer ttlSecurity,
    @Nullable String reachableBy,
    List<String> filters,
    @Nullable String reversePeering) {
  /** Copies the list; an absent one becomes empty. */
  public BgpPeerSpec {
    filters = Lists.copy(filters);
  }
}
