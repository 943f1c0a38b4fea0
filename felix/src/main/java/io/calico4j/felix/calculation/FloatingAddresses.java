package io.calico4j.felix.calculation;

import io.calico4j.core.model.ClusterAddresses;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which floating addresses of endpoints are put in force. Whoever wrote the endpoint: an address of
 * a node, of a BGP peer, of the datastore, or of another endpoint is not, because what is for it
 * would be led away. An address of this host is left out by the rules themselves, which know it
 * better. For one look at the state.
 */
public final class FloatingAddresses {
  private final ClusterState state;
  private final Set<IpAddress> reserved;
  private final Set<String> refused = new TreeSet<>();
  private @Nullable Set<IpAddress> taken;

  /**
   * Makes one.
   *
   * @param state what is in the datastore
   * @param reserved addresses that are needed besides: the datastore's
   */
  public FloatingAddresses(ClusterState state, Set<IpAddress> reserved) {
    this.state = state;
    this.reserved = reserved;
  }

  /** Returns an endpoint's pairs that are put in force: well-formed ones of its own addresses. */
  public List<IpNat> of(Resource<WorkloadEndpointSpec> endpoint) {
    List<IpNat> allowed = new ArrayList<>();
    for (IpNat nat : endpoint.spec().ipNATs()) {
      Optional<IpAddress> inside = address(nat.internalIP());
      Optional<IpAddress> outside = address(nat.externalIP());
      if (inside.isEmpty()
          || outside.isEmpty()
          || inside.get().family() != outside.get().family()
          || !endpoint.spec().ipNetworks().contains(inside.get().toCidr().toString())) {
        continue;
      }
      if (taken().contains(outside.get())) {
        refused.add(
            "floating address "
                + outside.get()
                + " of "
                + endpoint.metadata().name()
                + " is not put in force: a node, a BGP peer, etcd or another endpoint has it");
      } else {
        allowed.add(nat);
      }
    }
    return allowed;
  }

  /** Returns what was left out so far, as texts for the log. */
  public Set<String> refused() {
    return refused;
  }

  private static Optional<IpAddress> address(@Nullable String text) {
    return text == null ? Optional.empty() : IpAddress.tryParse(text);
  }

  /** Collects what is in use; only needed where an endpoint of this node has such an address. */
  private Set<IpAddress> taken() {
    Set<IpAddress> known = taken;
    if (known == null) {
      known = new HashSet<>(reserved);
      for (var node : state.nodes()) {
        known.addAll(ClusterAddresses.of(node.spec()));
      }
      for (var peer : state.peers()) {
        ClusterAddresses.of(peer.spec()).ifPresent(known::add);
      }
      for (var endpoint : state.endpoints().values()) {
        for (String network : endpoint.spec().ipNetworks()) {
          Cidr.tryParse(network).map(Cidr::address).ifPresent(known::add);
        }
      }
      taken = known;
    }
    return known;
  }
}
