package io.calico4j.felix.calculation;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate.HostAddressesUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.PoolsUpdate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The pools' networks, of which those that are masqueraded, and the nodes' addresses. An address
 * that several nodes have is counted.
 */
final class ClusterNetworks {
  private final Map<String, IpPoolSpec> pools = new HashMap<>();
  private final Map<String, Set<IpAddress>> nodes = new HashMap<>();
  private final Map<IpAddress, Integer> counts = new HashMap<>();
  private final Set<IpAddress> added = new LinkedHashSet<>();
  private final Set<IpAddress> removed = new LinkedHashSet<>();
  private PoolsUpdate told = new PoolsUpdate(Set.of(), Set.of());
  private boolean poolsChanged;

  /** Puts a pool, or removes it (null). */
  void putPool(String name, @Nullable IpPoolSpec pool) {
    if (pool == null) {
      pools.remove(name);
    } else {
      pools.put(name, pool);
    }
    poolsChanged = true;
  }

  /** Puts a node's own addresses; none remove it. */
  void putNode(String name, Set<IpAddress> addresses) {
    Set<IpAddress> before = nodes.getOrDefault(name, Set.of());
    if (before.equals(addresses)) {
      return;
    }
    if (addresses.isEmpty()) {
      nodes.remove(name);
    } else {
      nodes.put(name, Set.copyOf(addresses));
    }
    for (IpAddress address : addresses) {
      if (counts.merge(address, 1, Integer::sum) == 1 && !removed.remove(address)) {
        added.add(address);
      }
    }
    for (IpAddress address : before) {
      if (counts.computeIfPresent(address, (a, count) -> count == 1 ? null : count - 1) == null
          && !added.remove(address)) {
        removed.add(address);
      }
    }
  }

  /** Tells whether a pool has addresses of a family. */
  boolean hasPool(IpFamily family) {
    return pools.values().stream().anyMatch(pool -> pool.network().family() == family);
  }

  /** Returns what has changed since the last call. */
  List<DataplaneUpdate> takeChanges() {
    List<DataplaneUpdate> updates = new ArrayList<>();
    if (poolsChanged) {
      poolsChanged = false;
      PoolsUpdate now = now();
      if (!now.equals(told)) {
        told = now;
        updates.add(now);
      }
    }
    if (!added.isEmpty() || !removed.isEmpty()) {
      updates.add(new HostAddressesUpdate(List.copyOf(added), List.copyOf(removed)));
      added.clear();
      removed.clear();
    }
    return updates;
  }

  /** Disabled pools count too: there may be workloads left. */
  private PoolsUpdate now() {
    Set<Cidr> masqueraded = new HashSet<>();
    Set<Cidr> all = new HashSet<>();
    for (IpPoolSpec pool : pools.values()) {
      if (!List.of("LoadBalancer").equals(pool.allowedUses())) {
        all.add(pool.network());
      }
      if (Boolean.TRUE.equals(pool.natOutgoing())) {
        masqueraded.add(pool.network());
      }
    }
    return new PoolsUpdate(Set.copyOf(masqueraded), Set.copyOf(all));
  }
}
