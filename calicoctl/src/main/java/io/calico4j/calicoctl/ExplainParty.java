package io.calico4j.calicoctl;

import io.calico4j.core.model.ClusterAddresses;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection.
 *
 * @param kind what it is
 * @param name what to call it
 * @param key of its endpoint; null where it is none
 * @param node its node; empty where it is outside
 * @param addresses by which it is reached
 */
record ExplainParty(
    Kind kind, String name, @Nullable String key, String node, List<IpAddress> addresses) {
  /** What an end can be. */
  enum Kind {
    /** A workload endpoint. */
    WORKLOAD,
    /** A node, by the interface of a host endpoint. */
    HOST_ENDPOINT,
    /** A node, by one of its addresses. */
    NODE,
    /** An address that no endpoint and no Node has. */
    OUTSIDE
  }

  /** Tells whether it is a node itself. */
  boolean isHost() {
    return kind == Kind.HOST_ENDPOINT || kind == Kind.NODE;
  }

  /** Returns its address of a family. */
  IpAddress address(IpFamily family) {
    return addresses.stream()
        .filter(address -> address.family() == family)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(name + " has no " + family + " address"));
  }

  /** Tells whether it has one. */
  boolean has(IpFamily family) {
    return addresses.stream().anyMatch(address -> address.family() == family);
  }

  /** Finds ends in what is stored. */
  static final class Finder {
    private final String namespace;
    private final Map<String, Resource<WorkloadEndpointSpec>> workloads;
    private final Map<String, Resource<HostEndpointSpec>> hosts;
    private final Map<String, Resource<NodeSpec>> nodes;

    Finder(List<Entry> entries, String namespace) {
      this.namespace = namespace;
      workloads = read(ResourceKind.WORKLOAD_ENDPOINT, entries);
      hosts = read(ResourceKind.HOST_ENDPOINT, entries);
      nodes = read(ResourceKind.NODE, entries);
    }

    private static <S> Map<String, Resource<S>> read(ResourceKind<S> kind, List<Entry> entries) {
      Map<String, Resource<S>> found = new TreeMap<>();
      ValidationFilter filter = ValidationFilter.silent();
      for (Entry entry : entries) {
        if (entry.key().startsWith(kind.prefix())) {
          filter.accept(kind, entry).ifPresent(resource -> found.put(entry.key(), resource));
        }
      }
      return found;
    }

    /** Returns the host endpoints of a node that are found by their addresses, by address. */
    Map<IpAddress, String> expected(String node) {
      Map<IpAddress, String> expected = new TreeMap<>();
      hosts.forEach(
          (key, host) -> {
            if (host.spec().node().equals(node)) {
              addresses(host.spec().expectedIPs())
                  .forEach(address -> expected.putIfAbsent(address, key));
            }
          });
      return expected;
    }

    /** Returns the key of a host endpoint. */
    String hostEndpoint(String option, String name) {
      return hosts.entrySet().stream()
          .filter(host -> name.equals(host.getValue().metadata().name()))
          .map(Map.Entry::getKey)
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      option + " \"" + name + "\" is no HostEndpoint that can be read"));
    }

    /** Finds an end by its name or address. */
    ExplainParty find(String option, String text) {
      Optional<IpAddress> address = IpAddress.tryParse(text);
      List<ExplainParty> found = new ArrayList<>();
      workloads.forEach(
          (key, endpoint) -> {
            List<IpAddress> addresses = addresses(endpoint.spec().ipNetworks());
            if (address.isPresent() ? addresses.contains(address.get()) : isNamed(endpoint, text)) {
              found.add(
                  new ExplainParty(
                      Kind.WORKLOAD,
                      name(key),
                      key,
                      endpoint.spec().node(),
                      address.map(List::of).orElse(addresses)));
            }
          });
      if (address.isEmpty()) {
        hosts.forEach(
            (key, host) -> {
              if (text.equals(host.metadata().name())) {
                found.add(host(key, host.spec(), addressesOf(host.spec())));
              }
            });
      }
      if (found.size() > 1) {
        throw new IllegalArgumentException(
            option + " " + text + " is several: " + found.stream().map(p -> p.name).toList());
      }
      if (!found.isEmpty()) {
        return found.get(0);
      }
      return address
          .map(this::atAddress)
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      option
                          + " \""
                          + text
                          + "\" is neither an address nor a HostEndpoint nor a WorkloadEndpoint in"
                          + " namespace "
                          + namespace
                          + ": see calicoctl get workloadendpoints -o wide"));
    }

    private ExplainParty atAddress(IpAddress address) {
      for (Map.Entry<String, Resource<HostEndpointSpec>> host : hosts.entrySet()) {
        if (addresses(host.getValue().spec().expectedIPs()).contains(address)) {
          return host(host.getKey(), host.getValue().spec(), List.of(address));
        }
      }
      for (Resource<NodeSpec> node : nodes.values()) {
        if (ClusterAddresses.of(node.spec()).contains(address)) {
          String name = node.metadata().name();
          return new ExplainParty(Kind.NODE, "Node(" + name + ")", null, name, List.of(address));
        }
      }
      return new ExplainParty(Kind.OUTSIDE, address.toString(), null, "", List.of(address));
    }

    private static ExplainParty host(String key, HostEndpointSpec spec, List<IpAddress> addresses) {
      return new ExplainParty(Kind.HOST_ENDPOINT, name(key), key, spec.node(), addresses);
    }

    /** The addresses that it expects, else those of its node. */
    private List<IpAddress> addressesOf(HostEndpointSpec spec) {
      List<IpAddress> expected = addresses(spec.expectedIPs());
      return !expected.isEmpty()
          ? expected
          : nodes.values().stream()
              .filter(node -> node.metadata().name().equals(spec.node()))
              .flatMap(node -> ClusterAddresses.of(node.spec()).stream())
              .toList();
    }

    private boolean isNamed(Resource<WorkloadEndpointSpec> endpoint, String text) {
      WorkloadEndpointSpec spec = endpoint.spec();
      return namespace.equals(endpoint.metadata().namespace())
          && (text.equals(endpoint.metadata().name())
              || text.equals(spec.containerID())
              || text.equals(spec.workload())
              || text.equals(spec.pod()));
    }

    private static List<IpAddress> addresses(List<String> networks) {
      return networks.stream()
          .flatMap(network -> Cidr.tryParse(network).stream())
          .map(Cidr::address)
          .toList();
    }
  }

  /** Returns a resource's key as {@code Kind(namespace/name)}. */
  static String name(String key) {
    return ResourceKey.parse(key).map(ResourceKey::toString).orElse(key);
  }
}
