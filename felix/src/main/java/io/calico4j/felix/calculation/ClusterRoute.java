package io.calico4j.felix.calculation;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * A route to addresses of workloads.
 *
 * @param destination a block, or a single address that is not where its block is
 * @param way how packets go there
 * @param tunnel the tunnel of the destination's pool
 * @param gateway through a VXLAN tunnel the address of the other end; otherwise the address of the
 *     other node; null for a block of this node
 */
public record ClusterRoute(Cidr destination, Way way, Tunnel tunnel, @Nullable IpAddress gateway) {
  /** How packets go to a destination. */
  public enum Way {
    /** Through the tunnel. */
    TUNNEL,
    /** By the network between the hosts, to a node in this node's subnet. */
    DIRECT,
    /** It is this node's: what no workload has is dropped. */
    OWN
  }
}
