package io.calico4j.felix.calculation;

import io.calico4j.core.ipam.decision.IpamKeys.Affinity;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import io.calico4j.felix.calculation.ClusterRoute.Way;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * From pools, nodes, blocks and endpoints to this node's tunnels and its routes into pools with
 * encapsulation; routes into the other pools are BGP's. A change costs the destinations that it
 * concerns; one of a pool or of this node costs all of them.
 *
 * <p>Which node a block belongs to is read from the affinities, which do not change when addresses
 * are assigned. An address that lies in a block of another node than its endpoint's is a borrowed
 * one and has a route of its own, and so has a tunnel's end outside its node's blocks.
 */
final class RouteResolver {
  private final String own;
  private final Map<String, IpPoolSpec> pools = new TreeMap<>();
  private final Map<String, TunnelEnds> nodes = new HashMap<>();

  /** By block, the nodes whose affinity to it is confirmed: more than one only for a moment. */
  private final Map<Cidr, TreeSet<String>> owners = new HashMap<>();

  private final Map<String, Set<Cidr>> blocksByNode = new HashMap<>();

  /** By single address, who says that it has it, and on which node. */
  private final TreeMap<Cidr, Map<String, String>> claims = new TreeMap<>();

  /** Destinations by the node that they lead to, those without a route for now too. */
  private final Map<String, Set<Cidr>> destinationsByNode = new HashMap<>();

  private final Map<Cidr, String> nodeByDestination = new HashMap<>();
  private final Set<Cidr> dirty = new TreeSet<>();
  private final Set<String> dirtyNodes = new TreeSet<>();
  private boolean allDirty;

  private final Map<Cidr, ClusterRoute> toldRoutes = new HashMap<>();
  private final Map<VtepKey, VtepUpdate> toldVteps = new HashMap<>();
  private final Map<Tunnel, LocalTunnelUpdate> toldTunnels = new EnumMap<>(Tunnel.class);

  private record VtepKey(String node, Tunnel tunnel) {}

  /** Makes one for a node. */
  RouteResolver(String own) {
    this.own = own;
  }

  /** Puts a pool, or removes it (null). */
  void putPool(String name, @Nullable IpPoolSpec pool) {
    IpPoolSpec before = pool == null ? pools.remove(name) : pools.put(name, pool);
    allDirty |= tunnelOf(before) != null || tunnelOf(pool) != null;
  }

  private static @Nullable Tunnel tunnelOf(@Nullable IpPoolSpec pool) {
    return pool == null ? null : Tunnel.of(pool).orElse(null);
  }

  /** Puts a node, or removes it (null). */
  void putNode(String name, @Nullable NodeSpec spec) {
    TunnelEnds after = spec == null ? null : new TunnelEnds(name, spec);
    TunnelEnds before = after == null ? nodes.remove(name) : nodes.put(name, after);
    String claimant = "node " + name;
    for (Tunnel tunnel : Tunnel.values()) {
      IpAddress gone = before == null ? null : before.address(tunnel);
      IpAddress here = after == null ? null : after.address(tunnel);
      if (gone != null && !gone.equals(here)) {
        unclaim(claimant, gone.toCidr());
      }
      if (here != null) {
        claim(claimant, here.toCidr(), name);
      }
    }
    dirtyNodes.add(name);
    allDirty |= name.equals(own);
  }

  /** Puts an endpoint's addresses. */
  void putEndpoint(String key, @Nullable String node, Collection<Cidr> before, List<Cidr> after) {
    for (Cidr address : before) {
      if (node == null || !after.contains(address)) {
        unclaim(key, address);
      }
    }
    if (node != null) {
      after.stream().filter(Cidr::isSingle).forEach(address -> claim(key, address, node));
    }
  }

  private void claim(String claimant, Cidr address, String node) {
    Map<String, String> present = claims.getOrDefault(address, Map.of());
    if (node.equals(present.get(claimant))) {
      return;
    }
    if (present.isEmpty()) {
      claims.put(address, Map.of(claimant, node));
    } else {
      Map<String, String> more = new TreeMap<>(present);
      more.put(claimant, node);
      claims.put(address, more);
    }
    dirty.add(address);
  }

  private void unclaim(String claimant, Cidr address) {
    Map<String, String> present = claims.getOrDefault(address, Map.of());
    if (!present.containsKey(claimant)) {
      return;
    }
    if (present.size() == 1) {
      claims.remove(address);
    } else {
      Map<String, String> rest = new TreeMap<>(present);
      rest.remove(claimant);
      claims.put(address, rest);
    }
    dirty.add(address);
  }

  /** Puts a node's affinity to a block, or removes it. */
  void putAffinity(Affinity affinity, boolean confirmed) {
    Cidr block = affinity.block();
    boolean changed;
    if (confirmed) {
      changed = owners.computeIfAbsent(block, b -> new TreeSet<>()).add(affinity.node());
      blocksByNode.computeIfAbsent(affinity.node(), n -> new HashSet<>()).add(block);
    } else {
      changed = remove(owners, block, affinity.node());
      remove(blocksByNode, affinity.node(), block);
    }
    if (changed) {
      dirty.add(block);
      dirty.addAll(claimsIn(block));
    }
  }

  private static <K, V, S extends Set<V>> boolean remove(Map<K, S> map, K key, V value) {
    S values = map.get(key);
    if (values == null || !values.remove(value)) {
      return false;
    }
    if (values.isEmpty()) {
      map.remove(key);
    }
    return true;
  }

  private Set<Cidr> claimsIn(Cidr block) {
    return claims.subMap(block.address().toCidr(), true, block.last().toCidr(), true).keySet();
  }

  /** Returns what has changed since the last call: removals first. */
  List<DataplaneUpdate> takeChanges() {
    List<DataplaneUpdate> removedRoutes = new ArrayList<>();
    List<DataplaneUpdate> removed = new ArrayList<>();
    List<DataplaneUpdate> updates = new ArrayList<>();
    if (allDirty) {
      refreshTunnels(removed, updates);
      dirtyNodes.addAll(nodes.keySet());
      dirty.addAll(owners.keySet());
      dirty.addAll(claims.keySet());
      dirty.addAll(toldRoutes.keySet());
    }
    for (String name : dirtyNodes) {
      refreshVteps(name, removed, updates);
      dirty.addAll(destinationsByNode.getOrDefault(name, Set.of()));
      dirty.addAll(blocksByNode.getOrDefault(name, Set.of()));
    }
    for (Cidr destination : dirty) {
      ClusterRoute route = resolve(destination);
      ClusterRoute told =
          route == null ? toldRoutes.remove(destination) : toldRoutes.put(destination, route);
      if (route == null && told != null) {
        removedRoutes.add(new RouteRemoved(destination));
      } else if (route != null && !route.equals(told)) {
        updates.add(new RouteUpdate(route));
      }
    }
    allDirty = false;
    dirtyNodes.clear();
    dirty.clear();
    removedRoutes.addAll(removed);
    removedRoutes.addAll(updates);
    return removedRoutes;
  }

  private void refreshTunnels(List<DataplaneUpdate> removed, List<DataplaneUpdate> updates) {
    TunnelEnds ends = nodes.get(own);
    for (Tunnel tunnel : Tunnel.values()) {
      IpAddress host = ends == null ? null : ends.host(tunnel);
      IpAddress address = ends == null ? null : ends.address(tunnel);
      if (ends == null || !isUsed(tunnel) || host == null || address == null) {
        if (toldTunnels.remove(tunnel) != null) {
          removed.add(new LocalTunnelRemoved(tunnel));
        }
        continue;
      }
      LocalTunnelUpdate update =
          new LocalTunnelUpdate(tunnel, host, address, Optional.ofNullable(ends.mac(tunnel)));
      if (!update.equals(toldTunnels.put(tunnel, update))) {
        updates.add(update);
      }
    }
  }

  private boolean isUsed(Tunnel tunnel) {
    return pools.values().stream().anyMatch(pool -> tunnelOf(pool) == tunnel);
  }

  private void refreshVteps(
      String name, List<DataplaneUpdate> removed, List<DataplaneUpdate> updates) {
    TunnelEnds ends = name.equals(own) ? null : nodes.get(name);
    for (Tunnel tunnel : List.of(Tunnel.VXLAN, Tunnel.VXLAN_V6)) {
      VtepKey key = new VtepKey(name, tunnel);
      VtepUpdate vtep = ends == null || !isUsed(tunnel) ? null : vtep(ends, tunnel);
      if (vtep == null) {
        if (toldVteps.remove(key) != null) {
          removed.add(new VtepRemoved(name, tunnel));
        }
      } else if (!vtep.equals(toldVteps.put(key, vtep))) {
        updates.add(vtep);
      }
    }
  }

  private static @Nullable VtepUpdate vtep(TunnelEnds ends, Tunnel tunnel) {
    IpAddress host = ends.host(tunnel);
    IpAddress address = ends.address(tunnel);
    MacAddress mac = ends.mac(tunnel);
    return host == null || address == null || mac == null
        ? null
        : new VtepUpdate(ends.node(), tunnel, address, mac, host);
  }

  /** Resolves a block or a single address; null when it has no route. */
  private @Nullable ClusterRoute resolve(Cidr destination) {
    IpPoolSpec pool = poolOf(destination);
    Tunnel tunnel = tunnelOf(pool);
    String node = pool == null || tunnel == null ? null : nodeOf(destination, pool);
    move(destination, node);
    if (pool == null || tunnel == null || node == null) {
      return null;
    }
    if (node.equals(own)) {
      return destination.isSingle() ? null : new ClusterRoute(destination, Way.OWN, tunnel, null);
    }
    TunnelEnds ends = nodes.get(node);
    IpAddress host = ends == null ? null : ends.host(tunnel);
    if (ends == null || host == null) {
      return null;
    }
    TunnelEnds here = nodes.get(own);
    Cidr subnet = here == null ? null : here.subnet(tunnel);
    if (Tunnel.isCrossSubnet(pool) && subnet != null && subnet.contains(host)) {
      return new ClusterRoute(destination, Way.DIRECT, tunnel, host);
    }
    IpAddress gateway = tunnel == Tunnel.IPIP ? host : ends.address(tunnel);
    return gateway == null ? null : new ClusterRoute(destination, Way.TUNNEL, tunnel, gateway);
  }

  private @Nullable IpPoolSpec poolOf(Cidr destination) {
    return pools.values().stream()
        .filter(pool -> pool.network().contains(destination))
        .findFirst()
        .orElse(null);
  }

  /** Returns the node of a block or of an address that is not where its block is; else null. */
  private @Nullable String nodeOf(Cidr destination, IpPoolSpec pool) {
    TreeSet<String> affine = owners.get(destination);
    if (affine != null) {
      return affine.first();
    }
    Map<String, String> claimed = claims.getOrDefault(destination, Map.of());
    if (claimed.isEmpty()) {
      return null;
    }
    String node = claimed.values().iterator().next();
    int size = Math.min(pool.effectiveBlockSize(), destination.prefix());
    TreeSet<String> block = owners.get(new Cidr(destination.address(), size));
    return block != null && block.first().equals(node) ? null : node;
  }

  private void move(Cidr destination, @Nullable String node) {
    String before =
        node == null
            ? nodeByDestination.remove(destination)
            : nodeByDestination.put(destination, node);
    if (node != null && node.equals(before)) {
      return;
    }
    if (before != null) {
      remove(destinationsByNode, before, destination);
    }
    if (node != null) {
      destinationsByNode.computeIfAbsent(node, n -> new HashSet<>()).add(destination);
    }
  }
}
