package io.calico4j.felix.calculation;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.ClusterAddresses;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedRules;
import io.calico4j.felix.calculation.DataplaneUpdate.BothWays;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesUpdate;
import io.calico4j.felix.calculation.PolicyResolver.Place;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * From the datastore's resources to what this node must enforce: takes each key's new value, and
 * tells what has changed for this node since it was asked last. An update costs what it changes,
 * whatever the cluster's size. The output depends on the present state, never on how it came about.
 *
 * <p>A damaged resource counts as absent, with three exceptions: a damaged policy closes the
 * endpoints that it may select, because a policy must never vanish by being damaged; a damaged host
 * endpoint closes the interfaces that it names; and a damaged network set counts as every address
 * where a rule denies its members or allows all but them.
 *
 * <p>Pure, and not for several threads.
 */
public final class Calculation {
  private static final String NAMESPACE = "projectcalico.org/namespace";

  private final String node;
  private final ValidationFilter filter;
  private final AddressSetIndex addressSets = new AddressSetIndex();
  private final PolicyResolver resolver = new PolicyResolver();
  private final FloatingAddresses floating;
  private final ClusterNetworks clusterNetworks = new ClusterNetworks();
  private final RouteResolver routes;
  private final Map<String, Resource<WorkloadEndpointSpec>> localEndpoints = new TreeMap<>();
  private final Map<String, Resource<ProfileSpec>> profiles = new HashMap<>();

  /** Keys of this node's endpoints by the name of a profile that they have. */
  private final Map<String, Set<String>> endpointsByProfile = new HashMap<>();

  private final Map<String, Resource<FelixConfigurationSpec>> configurations = new TreeMap<>();
  private final Map<String, Resource<NodeSpec>> nodes = new HashMap<>();
  private final Map<String, Resource<BgpPeerSpec>> peers = new HashMap<>();
  private final LocalBgpPeers localPeers = new LocalBgpPeers();

  /** Names of profiles that may have begun or ended to apply, or have changed. */
  private final Set<String> changedProfiles = new LinkedHashSet<>();

  private final Set<String> removedEndpoints = new LinkedHashSet<>();
  private final HostEndpoints hostEndpoints = new HostEndpoints();

  /** The profiles of this node's host endpoints that are in force. */
  private final Map<String, List<String>> hostProfiles = new HashMap<>();

  /** Keys of host endpoints that are damaged, of other nodes too. */
  private final Set<String> damagedHostEndpoints = new HashSet<>();

  private final Set<String> removedHostEndpoints = new LinkedHashSet<>();

  /** Keys of the endpoints that the dataplane has been told of. */
  private final Set<String> toldEndpoints = new HashSet<>();

  /** The sets that the rules the dataplane has been told of ask for, by their owner's key. */
  private final Map<String, Set<AddressSetId>> toldRules = new HashMap<>();

  /** How many owners of rules ask for each set. */
  private final Map<AddressSetId, Integer> uses = new HashMap<>();

  /** How many updates have been taken, by kind. */
  private final Map<String, Long> updates = new TreeMap<>();

  private long output;

  /** Sets that no rule asks for any more since the last flush. */
  private final Set<AddressSetId> released = new LinkedHashSet<>();

  /**
   * Makes an empty one, which holds only the profile that is never stored.
   *
   * @param filter hears of every damaged resource, also of kinds that policy does not need
   * @param reserved addresses that no floating address takes: the datastore's
   */
  public Calculation(String node, ValidationFilter filter, Set<IpAddress> reserved) {
    this.node = node;
    this.filter = filter;
    floating = new FloatingAddresses(reserved);
    routes = new RouteResolver(node);
    List<Rule> allow = List.of(Rule.always(Rule.Action.Allow));
    profiles.put(
        ResourceClient.DEFAULT_ALLOW,
        Resource.create(
            ResourceKind.PROFILE,
            Metadata.named(null, ResourceClient.DEFAULT_ALLOW),
            new ProfileSpec(Map.of(), allow, allow)));
  }

  /**
   * Takes a key's new value, or its deletion (null).
   *
   * @return false when the key is of no interest
   */
  public boolean update(String path, @Nullable Entry entry) {
    Optional<ResourceKey> parsed = ResourceKey.parse(path);
    if (parsed.isEmpty()) {
      Optional<IpamKeys.Affinity> affinity = IpamKeys.parseAffinity(path);
      affinity.ifPresent(a -> updates.merge("BlockAffinity", 1L, Long::sum));
      affinity.ifPresent(
          a -> routes.putAffinity(a, entry != null && !entry.value().contains("pending")));
      return affinity.isPresent();
    }
    ResourceKey key = parsed.get();
    ResourceKind<?> kind = key.kind();
    updates.merge(kind.kind(), 1L, Long::sum);
    if (entry == null) {
      filter.forget(path);
    }
    if (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      putEndpoint(path, read(ResourceKind.WORKLOAD_ENDPOINT, entry));
    } else if (kind.equals(ResourceKind.HOST_ENDPOINT)) {
      putHostEndpoint(key, entry);
    } else if (kind.equals(ResourceKind.PROFILE)) {
      putProfile(key.name(), read(ResourceKind.PROFILE, entry));
    } else if (kind.equals(ResourceKind.NETWORK_POLICY)) {
      putPolicy(ResourceKind.NETWORK_POLICY, key, entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_POLICY)) {
      putPolicy(ResourceKind.GLOBAL_NETWORK_POLICY, key, entry);
    } else if (kind.equals(ResourceKind.TIER)) {
      resolver.putTier(key.name(), read(ResourceKind.TIER, entry).orElse(null));
    } else if (kind.equals(ResourceKind.NETWORK_SET)) {
      putNetworkSet(ResourceKind.NETWORK_SET, key, entry);
    } else if (kind.equals(ResourceKind.GLOBAL_NETWORK_SET)) {
      putNetworkSet(ResourceKind.GLOBAL_NETWORK_SET, key, entry);
    } else if (kind.equals(ResourceKind.NODE)) {
      Optional<Resource<NodeSpec>> node = read(ResourceKind.NODE, entry);
      put(nodes, key.name(), node);
      clusterNetworks.putNode(
          key.name(), node.map(n -> ClusterAddresses.of(n.spec())).orElse(Set.of()));
      routes.putNode(key.name(), node.map(Resource::spec).orElse(null));
      floating.noteHosts();
    } else if (kind.equals(ResourceKind.IP_POOL)) {
      IpPoolSpec pool = read(ResourceKind.IP_POOL, entry).map(Resource::spec).orElse(null);
      clusterNetworks.putPool(key.name(), pool);
      routes.putPool(key.name(), pool);
    } else if (kind.equals(ResourceKind.BGP_PEER)) {
      Optional<Resource<BgpPeerSpec>> peer = read(ResourceKind.BGP_PEER, entry);
      put(peers, key.name(), peer);
      localPeers.put(key.name(), peer.map(Resource::spec).orElse(null));
      floating.noteHosts();
    } else if (kind.equals(ResourceKind.FELIX_CONFIGURATION)) {
      // With its document, which has the fields that the spec does not know.
      put(
          configurations,
          key.name(),
          entry == null
              ? Optional.empty()
              : filter.accept(ResourceKind.FELIX_CONFIGURATION, entry));
    } else {
      var unused = read(kind, entry);
      return false;
    }
    return true;
  }

  private <S> Optional<Resource<S>> read(ResourceKind<S> kind, @Nullable Entry entry) {
    return entry == null ? Optional.empty() : filter.acceptWithoutDocument(kind, entry);
  }

  private static <T> void put(Map<String, T> map, String key, Optional<T> value) {
    value.ifPresentOrElse(present -> map.put(key, present), () -> map.remove(key));
  }

  private void putEndpoint(String key, Optional<Resource<WorkloadEndpointSpec>> endpoint) {
    List<Cidr> before = addressSets.networksOf(key);
    List<Cidr> after =
        endpoint.map(e -> EndpointLabels.networksOf(e.spec().ipNetworks())).orElse(List.of());
    if (!before.equals(after)) {
      floating.noteAddresses(before);
      floating.noteAddresses(after);
    }
    routes.putEndpoint(key, endpoint.map(e -> e.spec().node()).orElse(null), before, after);
    Optional<Resource<WorkloadEndpointSpec>> local =
        endpoint.filter(e -> e.spec().node().equals(node));
    if (local.isPresent()) {
      putLocalEndpoint(key, local.get());
    } else {
      removeLocalEndpoint(key);
    }
    if (endpoint.isPresent()) {
      WorkloadEndpointSpec spec = endpoint.get().spec();
      addressSets.putItem(
          key, EndpointLabels.of(endpoint.get()), spec.profiles(), after, spec.ports());
    } else {
      addressSets.removeItem(key);
    }
  }

  private void putHostEndpoint(ResourceKey resource, @Nullable Entry entry) {
    String key = resource.path();
    Optional<Resource<HostEndpointSpec>> endpoint = read(ResourceKind.HOST_ENDPOINT, entry);
    Optional<Resource<HostEndpointSpec>> readable = endpoint;
    if (entry != null && endpoint.isEmpty()) {
      damagedHostEndpoints.add(key);
      readable = DamagedHostEndpoint.of(resource, entry.value());
    } else {
      damagedHostEndpoints.remove(key);
    }
    hostEndpoints.put(key, readable.filter(e -> e.spec().node().equals(node)).orElse(null));
    if (endpoint.isPresent()) {
      HostEndpointSpec spec = endpoint.get().spec();
      addressSets.putItem(
          key,
          EndpointLabels.ofHost(endpoint.get()),
          spec.profiles(),
          EndpointLabels.networksOf(spec.expectedIPs()),
          spec.ports());
    } else {
      addressSets.removeItem(key);
    }
  }

  /**
   * Takes over what interfaces the host has, without those of workloads.
   *
   * @return whether they have changed
   */
  public boolean putInterfaces(Set<HostInterface> interfaces) {
    return hostEndpoints.putInterfaces(interfaces);
  }

  /** Tells whether a host endpoint of this node is found by the addresses of interfaces. */
  public boolean asksForInterfaces() {
    return hostEndpoints.asksForAddresses();
  }

  private void refreshHostEndpoints() {
    for (String key : hostEndpoints.takeChanged()) {
      Resource<HostEndpointSpec> endpoint = hostEndpoints.inForce(key);
      List<String> names = endpoint == null ? List.of() : endpoint.spec().profiles();
      List<String> before = hostProfiles.getOrDefault(key, List.of());
      if (!before.equals(names)) {
        leaveProfiles(key, before);
        joinProfiles(key, names);
      }
      if (endpoint == null) {
        hostProfiles.remove(key);
        resolver.removeEndpoint(key);
        removedHostEndpoints.add(key);
      } else {
        hostProfiles.put(key, names);
        removedHostEndpoints.remove(key);
        resolver.putHostEndpoint(key, EndpointLabels.ofHost(endpoint), names);
      }
    }
  }

  private void joinProfiles(String key, List<String> names) {
    for (String name : names) {
      if (endpointsByProfile.computeIfAbsent(name, n -> new HashSet<>()).add(key)) {
        resolver.putProfile(name, labelsOfProfile(name));
      }
    }
    changedProfiles.addAll(names);
  }

  private Map<String, String> labelsOfProfile(String name) {
    Resource<ProfileSpec> profile = profiles.get(name);
    return profile == null ? Map.of() : profile.spec().labelsToApply();
  }

  private void putLocalEndpoint(String key, Resource<WorkloadEndpointSpec> endpoint) {
    Resource<WorkloadEndpointSpec> before = localEndpoints.put(key, endpoint);
    List<String> names = endpoint.spec().profiles();
    if (before == null || !before.spec().profiles().equals(names)) {
      if (before != null) {
        leaveProfiles(key, before.spec().profiles());
      }
      joinProfiles(key, names);
    }
    removedEndpoints.remove(key);
    resolver.putEndpoint(key, EndpointLabels.of(endpoint), names);
    floating.put(key, endpoint);
  }

  private void removeLocalEndpoint(String key) {
    Resource<WorkloadEndpointSpec> before = localEndpoints.remove(key);
    if (before != null) {
      leaveProfiles(key, before.spec().profiles());
      resolver.removeEndpoint(key);
      floating.remove(key);
      removedEndpoints.add(key);
    }
  }

  private void leaveProfiles(String key, List<String> names) {
    changedProfiles.addAll(names);
    for (String name : names) {
      Set<String> endpoints = endpointsByProfile.get(name);
      if (endpoints != null && endpoints.remove(key) && endpoints.isEmpty()) {
        endpointsByProfile.remove(name);
        resolver.putProfile(name, Map.of());
      }
    }
  }

  private void putProfile(String name, Optional<Resource<ProfileSpec>> profile) {
    boolean wasThere = profiles.containsKey(name);
    put(profiles, name, profile);
    Map<String, String> labels = profile.map(p -> p.spec().labelsToApply()).orElse(Map.of());
    addressSets.putProfile(name, labels);
    if (endpointsByProfile.containsKey(name)) {
      resolver.putProfile(name, labels);
    }
    changedProfiles.add(name);
    if (wasThere != profile.isPresent()) {
      endpointsByProfile.getOrDefault(name, Set.of()).forEach(resolver::touch);
    }
  }

  private <S extends PolicySpec> void putPolicy(
      ResourceKind<S> kind, ResourceKey key, @Nullable Entry entry) {
    String path = key.path();
    if (entry == null) {
      resolver.removePolicy(path);
      return;
    }
    Optional<Resource<S>> policy = read(kind, entry);
    if (policy.isPresent()) {
      try {
        @SuppressWarnings("unchecked")
        Resource<PolicySpec> readable = (Resource<PolicySpec>) policy.get();
        resolver.putPolicy(path, readable);
        return;
      } catch (IllegalArgumentException e) {
        filter.refuse(entry, path + " has a selector that cannot be read: " + e.getMessage());
      }
    }
    resolver.putClosing(path, ClosingPolicy.of(key, entry.value()));
  }

  private void putNetworkSet(
      ResourceKind<NetworkSetSpec> kind, ResourceKey key, @Nullable Entry entry) {
    String path = key.path();
    Optional<Resource<NetworkSetSpec>> set = read(kind, entry);
    if (set.isEmpty()) {
      addressSets.removeItem(path);
      addressSets.putUnreadable(path, entry == null ? null : UnreadableSet.of(key, entry.value()));
      return;
    }
    Map<String, String> labels = new TreeMap<>(set.get().metadata().labels());
    List<String> parents = List.of();
    if (kind.namespaced()) {
      labels.put(NAMESPACE, key.namespace());
      parents = List.of("kns." + key.namespace());
    }
    List<String> nets = set.get().spec().nets();
    addressSets.putItem(path, labels, parents, EndpointLabels.networksOf(nets), List.of());
    Optional<String> unreadable =
        nets.stream().filter(net -> Cidr.tryParse(net).isEmpty()).findFirst();
    if (entry != null && unreadable.isPresent()) {
      filter.refuse(entry, path + " has \"" + unreadable.get() + "\" among its nets");
      addressSets.putUnreadable(path, UnreadableSet.of(key, entry.value()));
    } else {
      addressSets.putUnreadable(path, null);
    }
  }

  /** Tells what has changed since the last call, in the order in which it is to be taken over. */
  public List<DataplaneUpdate> flush() {
    List<DataplaneUpdate> rules = new ArrayList<>();
    List<DataplaneUpdate> removals = new ArrayList<>();
    floating.refresh(this::isTaken).forEach(resolver::touch);
    refreshHostEndpoints();
    for (String key : resolver.takeChangedPolicies()) {
      Resource<PolicySpec> policy = resolver.active(key);
      if (policy == null) {
        removeRules(key, removals);
      } else {
        List<Rule> ingress = policy.spec().appliesToIngress() ? policy.spec().ingress() : List.of();
        List<Rule> egress = policy.spec().appliesToEgress() ? policy.spec().egress() : List.of();
        putRules(key, policy, ingress, egress, rules);
      }
    }
    for (String name : changedProfiles) {
      Resource<ProfileSpec> profile = profiles.get(name);
      if (profile == null || !endpointsByProfile.containsKey(name)) {
        removeRules(profileKey(name), removals);
      } else {
        ProfileSpec spec = profile.spec();
        putRules(profileKey(name), profile, spec.ingress(), spec.egress(), rules);
      }
    }
    changedProfiles.clear();
    released.forEach(addressSets::release);
    List<DataplaneUpdate> updates = new ArrayList<>(addressSets.takeChanges());
    updates.addAll(clusterNetworks.takeChanges());
    updates.addAll(routes.takeChanges());
    updates.addAll(rules);
    for (String key : resolver.takeDirty()) {
      Resource<WorkloadEndpointSpec> endpoint = localEndpoints.get(key);
      if (endpoint != null) {
        toldEndpoints.add(key);
        updates.add(
            new EndpointUpdate(
                key,
                endpoint.spec(),
                applied(key, endpoint.spec().profiles(), true),
                applied(key, endpoint.spec().profiles(), false),
                floating.of(key)));
      } else if (hostProfiles.containsKey(key)) {
        toldEndpoints.add(key);
        updates.add(hostEndpointUpdate(key));
      }
    }
    for (String key : removedEndpoints) {
      if (toldEndpoints.remove(key)) {
        updates.add(new EndpointRemoved(key));
      }
    }
    removedEndpoints.clear();
    for (String key : removedHostEndpoints) {
      if (toldEndpoints.remove(key)) {
        updates.add(new HostEndpointRemoved(key));
      }
    }
    removedHostEndpoints.clear();
    updates.addAll(removals);
    released.forEach(id -> updates.add(new AddressSetRemoved(id)));
    released.clear();
    output += updates.size();
    return updates;
  }

  private HostEndpointUpdate hostEndpointUpdate(String key) {
    SortedSet<String> interfaces = new TreeSet<>(hostEndpoints.interfacesOf(key));
    if (damagedHostEndpoints.contains(key)) {
      AppliedRules closed = new AppliedRules(true, List.of(), List.of(), false);
      AppliedRules none = new AppliedRules(false, List.of(), List.of(), false);
      BothWays neither = new BothWays(none, none);
      return new HostEndpointUpdate(
          key, interfaces, new BothWays(closed, closed), neither, neither, none);
    }
    List<String> names = hostProfiles.getOrDefault(key, List.of());
    return new HostEndpointUpdate(
        key,
        interfaces,
        new BothWays(applied(key, names, true), applied(key, names, false)),
        bothWays(key, Place.FORWARD),
        bothWays(key, Place.UNTRACKED),
        withoutProfiles(key, Place.PRE_DNAT, true));
  }

  private BothWays bothWays(String key, Place place) {
    return new BothWays(withoutProfiles(key, place, true), withoutProfiles(key, place, false));
  }

  private AppliedRules withoutProfiles(String key, Place place, boolean ingress) {
    return new AppliedRules(
        resolver.isClosed(key, place, ingress),
        resolver.tiers(key, place, ingress),
        List.of(),
        false);
  }

  private AppliedRules applied(String key, List<String> names, boolean ingress) {
    List<String> keys = new ArrayList<>();
    boolean missing = false;
    for (String name : names) {
      if (!profiles.containsKey(name)) {
        missing = true;
        break;
      }
      keys.add(profileKey(name));
    }
    return new AppliedRules(
        resolver.isClosed(key, Place.NORMAL, ingress),
        resolver.tiers(key, Place.NORMAL, ingress),
        keys,
        missing);
  }

  private static String profileKey(String name) {
    return ResourceKey.of(ResourceKind.PROFILE, name).path();
  }

  private void putRules(
      String key,
      Resource<?> owner,
      List<Rule> ingress,
      List<Rule> egress,
      List<DataplaneUpdate> updates) {
    Set<AddressSetId> asked = new LinkedHashSet<>();
    asked.addAll(RuleScanner.scan(owner, ingress));
    asked.addAll(RuleScanner.scan(owner, egress));
    Set<AddressSetId> before = toldRules.put(key, asked);
    for (AddressSetId id : asked) {
      if ((before == null || !before.contains(id))
          && uses.merge(id, 1, Integer::sum) == 1
          && !released.remove(id)) {
        addressSets.use(id);
      }
    }
    if (before != null) {
      before.stream().filter(id -> !asked.contains(id)).forEach(this::release);
    }
    updates.add(new RulesUpdate(key, owner, ingress, egress, asked));
  }

  private void release(AddressSetId id) {
    if (uses.computeIfPresent(id, (set, count) -> count == 1 ? null : count - 1) == null) {
      released.add(id);
    }
  }

  private void removeRules(String key, List<DataplaneUpdate> removals) {
    Set<AddressSetId> before = toldRules.remove(key);
    if (before != null) {
      before.forEach(this::release);
      removals.add(new RulesRemoved(key));
    }
  }

  private boolean isTaken(IpAddress address) {
    return addressSets.isTaken(address, ResourceKind.WORKLOAD_ENDPOINT.prefix())
        || nodes.values().stream().anyMatch(n -> ClusterAddresses.of(n.spec()).contains(address))
        || peers.values().stream()
            .anyMatch(p -> ClusterAddresses.of(p.spec()).filter(address::equals).isPresent());
  }

  /** Returns how much it knows and has done, as of now; costs the same whatever it knows. */
  public CalculationFigures figures() {
    return new CalculationFigures(
        localEndpoints.size() + hostProfiles.size(),
        resolver.activePolicies(),
        uses.size(),
        Map.copyOf(updates),
        output,
        new CalculationFigures.Cluster(
            nodes.size(),
            addressSets.hostEndpoints(),
            addressSets.workloadEndpoints(),
            resolver.policies(),
            profiles.size(),
            resolver.tiers()),
        addressSets.figures());
  }

  /** Returns this node's endpoints by key, ascending. */
  public Map<String, Resource<WorkloadEndpointSpec>> localEndpoints() {
    return Collections.unmodifiableMap(localEndpoints);
  }

  /**
   * Returns the interfaces of this node's host endpoints, by key, as of the last flush; none of one
   * that is not in force.
   */
  public Map<String, SortedSet<String>> hostEndpoints() {
    return hostEndpoints.interfaces();
  }

  /** Returns this node's endpoints, each with the labels that it inherits beside its own. */
  public List<Resource<WorkloadEndpointSpec>> labelledEndpoints() {
    return localEndpoints.entrySet().stream()
        .map(
            own ->
                own.getValue()
                    .withMetadata(
                        own.getValue().metadata().withLabels(resolver.labelsOf(own.getKey()))))
        .toList();
  }

  /** Returns the name of the BGPPeer whose peer each endpoint of this node is, by key. */
  public Map<String, String> bgpPeers() {
    if (localPeers.isEmpty()) {
      return Map.of();
    }
    Map<String, Map<String, String>> labels = new HashMap<>();
    localEndpoints.keySet().forEach(key -> labels.put(key, resolver.labelsOf(key)));
    return localPeers.of(node, nodes.get(node), labels);
  }

  /** Returns the floating addresses of an endpoint that are put in force, as of the last flush. */
  public List<WorkloadEndpointSpec.IpNat> floatingAddresses(String key) {
    return floating.of(key);
  }

  /** Returns the floating addresses that are not put in force, as texts for the log. */
  public Set<String> refusedAddresses() {
    return floating.refused();
  }

  /** Tells whether a pool or an endpoint of this node has IPv6 addresses. */
  public boolean usesIpv6() {
    return clusterNetworks.hasPool(IpFamily.IPV6)
        || localEndpoints.keySet().stream()
            .flatMap(key -> addressSets.networksOf(key).stream())
            .anyMatch(network -> network.family() == IpFamily.IPV6);
  }

  /** Returns a node's own addresses; none when it is not known. */
  public Set<IpAddress> nodeAddresses() {
    Resource<NodeSpec> resource = nodes.get(node);
    return resource == null ? Set.of() : ClusterAddresses.of(resource.spec());
  }

  /** Returns the FelixConfigurations that apply to this node, the stronger first. */
  public List<Resource<FelixConfigurationSpec>> configurations() {
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
