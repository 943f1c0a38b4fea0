package io.calico4j.felix.calculation;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.ClusterAddresses;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.TierSpec;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The resources that policy is calculated from, kept by key. A damaged one counts as absent, with
 * two exceptions: a damaged policy closes the endpoints that it may select, because a policy must
 * never vanish by being damaged; and a damaged network set counts as every address where a rule
 * denies its members or allows all but them.
 */
public final class ClusterState {
  private final Map<String, Resource<WorkloadEndpointSpec>> endpoints = new TreeMap<>();
  private final Map<String, Resource<ProfileSpec>> profiles = new TreeMap<>();
  private final Map<String, Resource<PolicySpec>> policies = new TreeMap<>();
  private final Map<String, Resource<TierSpec>> tiers = new TreeMap<>();
  private final Map<String, Resource<NetworkSetSpec>> networkSets = new TreeMap<>();
  private final Map<String, Resource<FelixConfigurationSpec>> configurations = new TreeMap<>();
  private final Map<String, Resource<NodeSpec>> nodes = new TreeMap<>();
  private final Map<String, Resource<BgpPeerSpec>> peers = new TreeMap<>();
  private final Map<String, ClosingPolicy> closing = new TreeMap<>();
  private final Map<String, UnreadableSet> unreadableSets = new TreeMap<>();
  private final ValidationFilter filter;

  /** Makes an empty state whose filter reports nothing. */
  public ClusterState() {
    this(ValidationFilter.silent());
  }

  /**
   * Makes an empty state, which holds only the profile that is never stored.
   *
   * @param filter hears of every damaged resource, also of kinds that policy does not need
   */
  public ClusterState(ValidationFilter filter) {
    this.filter = filter;
    List<Rule> allow = List.of(Rule.always(Rule.Action.Allow));
    profiles.put(
        ResourceClient.DEFAULT_ALLOW,
        Resource.create(
            ResourceKind.PROFILE,
            io.calico4j.core.model.Metadata.named(null, ResourceClient.DEFAULT_ALLOW),
            new ProfileSpec(Map.of(), allow, allow)));
  }

  /**
   * Takes a key's new value, or its deletion (null).
   *
   * @return false when the key is of no interest
   */
  public boolean update(String path, @Nullable Entry entry) {
    Optional<ResourceKey> key = ResourceKey.parse(path);
    if (key.isEmpty()) {
      return false;
    }
    ResourceKind<?> kind = key.get().kind();
    if (entry == null) {
      filter.forget(path);
    }
    if (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      put(endpoints, ResourceKind.WORKLOAD_ENDPOINT, path, entry);
    } else if (kind.equals(ResourceKind.PROFILE)) {
      put(profiles, ResourceKind.PROFILE, key.get().name(), entry);
    } else if (kind.equals(ResourceKind.NETWORK_POLICY)) {
      putPolicy(ResourceKind.NETWORK_POLICY, key.get(), entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_POLICY)) {
      putPolicy(ResourceKind.GLOBAL_NETWORK_POLICY, key.get(), entry);
    } else if (kind.equals(ResourceKind.TIER)) {
      put(tiers, ResourceKind.TIER, key.get().name(), entry);
    } else if (kind.equals(ResourceKind.NETWORK_SET)) {
      putSet(ResourceKind.NETWORK_SET, key.get(), entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_SET)) {
      putSet(ResourceKind.GLOBAL_NETWORK_SET, key.get(), entry);
    } else if (kind.equals(ResourceKind.NODE)) {
      put(nodes, ResourceKind.NODE, key.get().name(), entry);
    } else if (kind.equals(ResourceKind.BGP_PEER)) {
      put(peers, ResourceKind.BGP_PEER, key.get().name(), entry);
    } else if (kind.equals(ResourceKind.FELIX_CONFIGURATION)) {
      put(configurations, ResourceKind.FELIX_CONFIGURATION, key.get().name(), entry);
    } else {
      if (entry != null) {
        var unused = filter.accept(kind, entry);
      }
      return false;
    }
    return true;
  }

  private <S extends PolicySpec> void putPolicy(
      ResourceKind<S> kind, ResourceKey key, @Nullable Entry entry) {
    String path = key.path();
    policies.remove(path);
    closing.remove(path);
    if (entry == null) {
      return;
    }
    Optional<Resource<S>> policy = filter.accept(kind, entry);
    if (policy.isPresent()) {
      try {
        var unused = PolicyResolver.selectorOf(policy.get());
        @SuppressWarnings("unchecked")
        Resource<PolicySpec> readable = (Resource<PolicySpec>) policy.get();
        policies.put(path, readable);
        return;
      } catch (IllegalArgumentException e) {
        filter.refuse(entry, path + " has a selector that cannot be read: " + e.getMessage());
      }
    }
    closing.put(path, ClosingPolicy.of(key, entry.value()));
  }

  private void putSet(ResourceKind<NetworkSetSpec> kind, ResourceKey key, @Nullable Entry entry) {
    String path = key.path();
    put(networkSets, kind, path, entry);
    unreadableSets.remove(path);
    if (entry == null) {
      return;
    }
    Resource<NetworkSetSpec> set = networkSets.get(path);
    Optional<String> unreadable =
        set == null
            ? Optional.empty()
            : set.spec().nets().stream().filter(n -> Cidr.tryParse(n).isEmpty()).findFirst();
    unreadable.ifPresent(net -> filter.refuse(entry, path + " has \"" + net + "\" among its nets"));
    if (set == null || unreadable.isPresent()) {
      unreadableSets.put(path, UnreadableSet.of(key, entry.value()));
    }
  }

  private <S> void put(
      Map<String, Resource<S>> map, ResourceKind<S> kind, String mapKey, @Nullable Entry entry) {
    map.remove(mapKey);
    if (entry == null) {
      return;
    }
    filter.accept(kind, entry).ifPresent(resource -> map.put(mapKey, resource));
  }

  /** Returns what cannot be read: key to reason. */
  public Map<String, String> problems() {
    return filter.damaged();
  }

  /** Returns the stored policies that are damaged, by key. */
  public Map<String, ClosingPolicy> closing() {
    return closing;
  }

  /** Returns all endpoints of the cluster by key. */
  public Map<String, Resource<WorkloadEndpointSpec>> endpoints() {
    return endpoints;
  }

  /** Returns the nodes. */
  public Collection<Resource<NodeSpec>> nodes() {
    return nodes.values();
  }

  /** Returns the BGP peers. */
  public Collection<Resource<BgpPeerSpec>> peers() {
    return peers.values();
  }

  /** Returns the profiles by name. */
  public Map<String, Resource<ProfileSpec>> profiles() {
    return profiles;
  }

  /** Returns namespaced and global policies by key. */
  public Map<String, Resource<PolicySpec>> policies() {
    return policies;
  }

  /** Returns the tiers by name. */
  public Map<String, Resource<TierSpec>> tiers() {
    return tiers;
  }

  /** Returns namespaced and global network sets by key. */
  public Map<String, Resource<NetworkSetSpec>> networkSets() {
    return networkSets;
  }

  /** Returns the stored network sets that are damaged, by key. */
  public Map<String, UnreadableSet> unreadableSets() {
    return unreadableSets;
  }

  /** Returns a node's own addresses; none when it is not known. */
  public Set<IpAddress> nodeAddresses(String node) {
    Resource<NodeSpec> resource = nodes.get(node);
    return resource == null ? Set.of() : ClusterAddresses.of(resource.spec());
  }

  /** Returns the FelixConfigurations that apply to a node, the stronger first. */
  public List<Resource<FelixConfigurationSpec>> configurations(String node) {
    List<Resource<FelixConfigurationSpec>> applying = new ArrayList<>();
    for (String name : List.of("node." + node, "default")) {
      Resource<FelixConfigurationSpec> configuration = configurations.get(name);
      if (configuration != null) {
        applying.add(configuration);
      }
    }
    return applying;
  }
}
