package io.calico4j.felix.calculation;

import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.model.BgpPeerSpec;
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
import io.calico4j.core.resource.ResourceClient;
import io.calico4j.core.resource.ResourceCodec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The resources that policy is calculated from, kept by key. A value that cannot be read counts as
 * absent, with one exception: a policy that is there but unreadable denies everything it might have
 * spoken about, because a policy must never vanish by being damaged.
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
  private final Map<String, String> problems = new TreeMap<>();

  /** Makes an empty state, which holds only the profile that is never stored. */
  public ClusterState() {
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
    problems.remove(path);
    if (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      put(endpoints, ResourceKind.WORKLOAD_ENDPOINT, path, path, entry);
    } else if (kind.equals(ResourceKind.PROFILE)) {
      put(profiles, ResourceKind.PROFILE, key.get().name(), path, entry);
    } else if (kind.equals(ResourceKind.NETWORK_POLICY)) {
      put(policies, ResourceKind.NETWORK_POLICY, path, path, entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_POLICY)) {
      put(policies, ResourceKind.GLOBAL_NETWORK_POLICY, path, path, entry);
    } else if (kind.equals(ResourceKind.TIER)) {
      put(tiers, ResourceKind.TIER, key.get().name(), path, entry);
    } else if (kind.equals(ResourceKind.NETWORK_SET)) {
      put(networkSets, ResourceKind.NETWORK_SET, path, path, entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_SET)) {
      put(networkSets, ResourceKind.GLOBAL_NETWORK_SET, path, path, entry);
    } else if (kind.equals(ResourceKind.NODE)) {
      put(nodes, ResourceKind.NODE, key.get().name(), path, entry);
    } else if (kind.equals(ResourceKind.BGP_PEER)) {
      put(peers, ResourceKind.BGP_PEER, key.get().name(), path, entry);
    } else if (kind.equals(ResourceKind.FELIX_CONFIGURATION)) {
      put(configurations, ResourceKind.FELIX_CONFIGURATION, key.get().name(), path, entry);
    } else {
      return false;
    }
    return true;
  }

  private <S> void put(
      Map<String, Resource<S>> map,
      ResourceKind<S> kind,
      String mapKey,
      String path,
      @Nullable Entry entry) {
    map.remove(mapKey);
    if (entry == null) {
      return;
    }
    try {
      map.put(mapKey, ResourceCodec.decode(kind, entry));
    } catch (InvalidResourceException e) {
      problems.put(path, String.valueOf(e.getMessage()));
    }
  }

  /** Returns what cannot be read: key to reason. */
  public Map<String, String> problems() {
    return problems;
  }

  /** Tells whether a stored policy cannot be read, so that every endpoint must be closed. */
  public boolean hasUnreadablePolicy() {
    return problems.keySet().stream()
        .anyMatch(
            path ->
                path.startsWith(ResourceKind.NETWORK_POLICY.prefix())
                    || path.startsWith(ResourceKind.GLOBAL_NETWORK_POLICY.prefix()));
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

  /** Returns the addresses by which other hosts know a node; none when it is not known. */
  public Set<IpAddress> nodeAddresses(String node) {
    Resource<NodeSpec> resource = nodes.get(node);
    NodeSpec.Bgp bgp = resource == null ? null : resource.spec().bgp();
    Set<IpAddress> addresses = new HashSet<>();
    if (bgp != null) {
      for (String text : Arrays.asList(bgp.ipv4Address(), bgp.ipv6Address())) {
        Cidr.tryParse(String.valueOf(text)).map(Cidr::address).ifPresent(addresses::add);
      }
    }
    return addresses;
  }

  /** Returns the FelixConfigurations that apply to a node, the stronger first. */
  public List<FelixConfigurationSpec> configurations(String node) {
    List<FelixConfigurationSpec> specs = new ArrayList<>();
    for (String name : List.of("node." + node, "default")) {
      Resource<FelixConfigurationSpec> configuration = configurations.get(name);
      if (configuration != null) {
        specs.add(configuration.spec());
      }
    }
    return specs;
  }
}
