package io.calico4j.felix.calculation;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which floating addresses of this node's endpoints are put in force. Whoever wrote the endpoint:
 * an address of a node, of a BGP peer, of the datastore, or of another endpoint is not, because
 * what is for it would be led away. An address of this host is left out by the rules themselves,
 * which know it better.
 */
final class FloatingAddresses {
  private final Set<IpAddress> reserved;
  private final Map<String, Resource<WorkloadEndpointSpec>> asking = new TreeMap<>();
  private final Map<String, List<IpNat>> allowed = new HashMap<>();
  private final Set<IpAddress> asked = new HashSet<>();
  private Set<String> refused = Set.of();
  private boolean stale;

  /**
   * Makes one.
   *
   * @param reserved the datastore's addresses, which no endpoint gets
   */
  FloatingAddresses(Set<IpAddress> reserved) {
    this.reserved = Set.copyOf(reserved);
  }

  /** Takes what an endpoint of this node asks for. */
  void put(String key, Resource<WorkloadEndpointSpec> endpoint) {
    if (endpoint.spec().ipNATs().isEmpty()) {
      remove(key);
    } else {
      asking.put(key, endpoint);
      stale = true;
    }
  }

  /** Forgets what an endpoint has asked for. */
  void remove(String key) {
    if (asking.remove(key) != null) {
      stale = true;
    }
  }

  /** Notes that endpoints have got or lost addresses. */
  void noteAddresses(Collection<Cidr> networks) {
    if (!asked.isEmpty() && networks.stream().map(Cidr::address).anyMatch(asked::contains)) {
      stale = true;
    }
  }

  /** Notes that nodes or peers have changed. */
  void noteHosts() {
    stale |= !asking.isEmpty();
  }

  /** Returns an endpoint's pairs that are put in force, as of the last refresh. */
  List<IpNat> of(String key) {
    return allowed.getOrDefault(key, List.of());
  }

  /** Returns what was left out at the last refresh, as texts for the log. */
  Set<String> refused() {
    return refused;
  }

  /**
   * Decides anew, if anything that matters has changed.
   *
   * @param isTaken tells whether a node, a peer or an endpoint has an address
   * @return the keys of the endpoints for which the outcome is another one
   */
  Set<String> refresh(Predicate<IpAddress> isTaken) {
    if (!stale) {
      return Set.of();
    }
    stale = false;
    asked.clear();
    Set<String> texts = new TreeSet<>();
    Set<String> changed = new HashSet<>();
    for (String gone : Set.copyOf(allowed.keySet())) {
      if (!asking.containsKey(gone)) {
        allowed.remove(gone);
        changed.add(gone);
      }
    }
    asking.forEach(
        (key, endpoint) -> {
          List<IpNat> pairs = decide(endpoint, isTaken, texts);
          if (!pairs.equals(allowed.put(key, pairs))) {
            changed.add(key);
          }
        });
    refused = texts;
    return changed;
  }

  /** Returns well-formed pairs of the endpoint's own addresses whose other side is free. */
  private List<IpNat> decide(
      Resource<WorkloadEndpointSpec> endpoint, Predicate<IpAddress> isTaken, Set<String> texts) {
    List<IpNat> pairs = new ArrayList<>();
    for (IpNat nat : endpoint.spec().ipNATs()) {
      Optional<IpAddress> inside = address(nat.internalIP());
      Optional<IpAddress> outside = address(nat.externalIP());
      if (inside.isEmpty()
          || outside.isEmpty()
          || inside.get().family() != outside.get().family()
          || !endpoint.spec().ipNetworks().contains(inside.get().toCidr().toString())) {
        continue;
      }
      asked.add(outside.get());
      if (reserved.contains(outside.get()) || isTaken.test(outside.get())) {
        texts.add(
            "floating address "
                + outside.get()
                + " of "
                + endpoint.metadata().name()
                + " is not put in force: a node, a BGP peer, etcd or another endpoint has it");
      } else {
        pairs.add(nat);
      }
    }
    return pairs;
  }

  private static Optional<IpAddress> address(@Nullable String text) {
    return text == null ? Optional.empty() : IpAddress.tryParse(text);
  }
}
