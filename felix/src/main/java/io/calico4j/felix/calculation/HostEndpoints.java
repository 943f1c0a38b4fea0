package io.calico4j.felix.calculation;

import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * This node's host endpoints, and which interfaces each is for: the one that it names, whether it
 * is there or not; without a name all those that have one of its expected addresses; or {@code *}.
 * Of several for one interface the alphabetically first is in force there.
 */
final class HostEndpoints {
  /** Stands for all interfaces that have no endpoint of their own. */
  static final String ANY = "*";

  private final Map<String, Resource<HostEndpointSpec>> endpoints = new TreeMap<>();
  private Set<HostInterface> interfaces = Set.of();

  /** The interfaces of those that are in force, by key. */
  private Map<String, SortedSet<String>> inForce = Map.of();

  /** Those that have changed since they were looked at. */
  private final Set<String> changed = new HashSet<>();

  private boolean stale;

  /** Puts an endpoint of this node, or removes it (null). */
  void put(String key, @Nullable Resource<HostEndpointSpec> endpoint) {
    Resource<HostEndpointSpec> before =
        endpoint == null ? endpoints.remove(key) : endpoints.put(key, endpoint);
    if (before != null || endpoint != null) {
      changed.add(key);
      stale = true;
    }
  }

  /** Takes over the host's interfaces; tells whether they have changed. */
  boolean putInterfaces(Set<HostInterface> present) {
    if (present.equals(interfaces)) {
      return false;
    }
    interfaces = Set.copyOf(present);
    stale = true;
    return true;
  }

  /** Tells whether an endpoint is found by its addresses. */
  boolean asksForAddresses() {
    return endpoints.values().stream().anyMatch(HostEndpoints::isFoundByAddress);
  }

  private static boolean isFoundByAddress(Resource<HostEndpointSpec> endpoint) {
    String name = endpoint.spec().interfaceName();
    return name == null || name.isEmpty();
  }

  /** Returns the keys of endpoints that have changed, or their interfaces, and forgets them. */
  Set<String> takeChanged() {
    if (!stale) {
      return Set.of();
    }
    stale = false;
    Map<String, SortedSet<String>> before = inForce;
    inForce = find();
    Set<String> taken = new TreeSet<>(changed);
    changed.clear();
    for (Map<String, SortedSet<String>> some : List.of(before, inForce)) {
      some.keySet().stream()
          .filter(key -> !interfacesOf(key).equals(before.get(key)))
          .forEach(taken::add);
    }
    return taken;
  }

  private Map<String, SortedSet<String>> find() {
    Map<IpAddress, List<String>> byAddress = new HashMap<>();
    if (asksForAddresses()) {
      for (HostInterface each : interfaces) {
        for (IpAddress address : each.addresses()) {
          byAddress.computeIfAbsent(address, a -> new ArrayList<>()).add(each.name());
        }
      }
    }
    Map<String, String> owners = new HashMap<>();
    endpoints.forEach(
        (key, endpoint) ->
            candidates(endpoint, byAddress).forEach(name -> owners.putIfAbsent(name, key)));
    Map<String, SortedSet<String>> found = new HashMap<>();
    owners.forEach((name, key) -> found.computeIfAbsent(key, k -> new TreeSet<>()).add(name));
    return found;
  }

  private static List<String> candidates(
      Resource<HostEndpointSpec> endpoint, Map<IpAddress, List<String>> byAddress) {
    if (!isFoundByAddress(endpoint)) {
      return List.of(String.valueOf(endpoint.spec().interfaceName()));
    }
    return EndpointLabels.networksOf(endpoint.spec().expectedIPs()).stream()
        .flatMap(network -> byAddress.getOrDefault(network.address(), List.of()).stream())
        .toList();
  }

  /** Returns an endpoint that is in force, as of the last look; else null. */
  @Nullable Resource<HostEndpointSpec> inForce(String key) {
    return inForce.containsKey(key) ? endpoints.get(key) : null;
  }

  /**
   * Returns the interfaces of all endpoints, by key, as of the last look; none of one that is not
   * in force.
   */
  Map<String, SortedSet<String>> interfaces() {
    Map<String, SortedSet<String>> all = new TreeMap<>();
    endpoints.keySet().forEach(key -> all.put(key, interfacesOf(key)));
    return all;
  }

  /** Returns the interfaces of an endpoint, as of the last look; none when it is not in force. */
  SortedSet<String> interfacesOf(String key) {
    return inForce.getOrDefault(key, new TreeSet<>());
  }
}
