package io.calico4j.felix.calculation;

import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Resolves selectors to addresses, over all endpoints and network sets of the cluster. */
public final class AddressSets {
  private final ClusterState state;
  private final Map<String, Map<String, String>> labels = new TreeMap<>();
  private final Map<Selector, TreeSet<Cidr>> resolved = new HashMap<>();

  /** Makes a resolver for the present state; the state must not change while it is in use. */
  public AddressSets(ClusterState state) {
    this.state = state;
    state.endpoints().forEach((key, endpoint) -> labels.put(key, labelsOf(endpoint)));
  }

  /** Returns an endpoint's labels: its own, then those its profiles give, the first one winning. */
  public Map<String, String> labelsOf(Resource<WorkloadEndpointSpec> endpoint) {
    Map<String, String> all = new TreeMap<>();
    for (String name : endpoint.spec().profiles()) {
      var profile = state.profiles().get(name);
      if (profile != null) {
        profile.spec().labelsToApply().forEach(all::putIfAbsent);
      }
    }
    all.putAll(endpoint.metadata().labels());
    return all;
  }

  /**
   * Tells whether a damaged network set may be selected: then {@link #members} may lack addresses.
   */
  public boolean mayLackMembers(Selector selector) {
    return state.unreadableSets().values().stream().anyMatch(set -> set.maySelect(selector));
  }

  /** Returns the networks of everything selected; single addresses as /32 and /128. */
  public TreeSet<Cidr> members(Selector selector) {
    return resolved.computeIfAbsent(selector, this::resolve);
  }

  private TreeSet<Cidr> resolve(Selector selector) {
    TreeSet<Cidr> members = new TreeSet<>();
    state
        .endpoints()
        .forEach(
            (key, endpoint) -> {
              if (selector.matches(labels.getOrDefault(key, Map.of()))) {
                endpoint.spec().ipNetworks().forEach(n -> add(members, n));
              }
            });
    for (Resource<NetworkSetSpec> set : state.networkSets().values()) {
      Map<String, String> setLabels = new TreeMap<>(set.metadata().labels());
      if (set.kind().equals(ResourceKind.NETWORK_SET)) {
        setLabels.put("projectcalico.org/namespace", String.valueOf(set.metadata().namespace()));
      }
      if (selector.matches(setLabels)) {
        set.spec().nets().forEach(n -> add(members, n));
      }
    }
    return members;
  }

  private static void add(TreeSet<Cidr> members, String text) {
    Cidr.tryParse(text).ifPresent(members::add);
  }

  /** Returns {@code ADDRESS . PROTOCOL . PORT} of every selected endpoint's port of that name. */
  public TreeSet<String> namedPorts(
      Selector selector, String name, Protocol protocol, IpFamily family) {
    TreeSet<String> members = new TreeSet<>();
    state
        .endpoints()
        .forEach(
            (key, endpoint) -> {
              if (!selector.matches(labels.getOrDefault(key, Map.of()))) {
                return;
              }
              for (WorkloadEndpointSpec.NamedPort port : endpoint.spec().ports()) {
                if (port.name().equals(name) && port.protocol().equals(protocol)) {
                  for (String network : endpoint.spec().ipNetworks()) {
                    Cidr.tryParse(network)
                        .filter(c -> c.family() == family)
                        .ifPresent(
                            c ->
                                members.add(
                                    c.address() + " . " + protocol.number() + " . " + port.port()));
                  }
                }
              }
            });
    return members;
  }
}
