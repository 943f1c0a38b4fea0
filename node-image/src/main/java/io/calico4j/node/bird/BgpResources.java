package io.calico4j.node.bird;

import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import io.calico4j.core.resource.ValidationFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What is stored about BGP, decoded. A damaged node, peer or pool leaves itself out, and Felix
 * names it; a damaged filter is there, but cannot be read.
 */
final class BgpResources {
  static final int BGP_PORT = 179;

  private static final String DEFAULT = "default";

  private final NodeName node;
  private final SortedMap<String, Entry> entries;
  private final List<Resource<NodeSpec>> nodes;
  private final List<Resource<BgpPeerSpec>> peers;
  private final BgpConfigurationSpec global;
  private final BgpConfigurationSpec own;
  private final Map<String, Integer> ports = new TreeMap<>();

  /**
   * Decodes all.
   *
   * @throws IllegalArgumentException when a BGPConfiguration of this node is damaged: without it,
   *     all sessions would be others
   */
  BgpResources(NodeName node, SortedMap<String, Entry> entries) {
    this.node = node;
    this.entries = entries;
    nodes = all(ResourceKind.NODE);
    peers = all(ResourceKind.BGP_PEER);
    global = configuration(DEFAULT);
    own = configuration("node." + node);
    for (var resource : all(ResourceKind.BGP_CONFIGURATION)) {
      Integer port = resource.spec().listenPort();
      if (port != null) {
        ports.put(resource.metadata().name(), port);
      }
    }
  }

  private BgpConfigurationSpec configuration(String name) {
    Entry entry = entries.get(ResourceKey.of(ResourceKind.BGP_CONFIGURATION, name).path());
    if (entry == null) {
      return BgpConfigurationSpec.EMPTY;
    }
    try {
      return ResourceCodec.decode(ResourceKind.BGP_CONFIGURATION, entry).spec();
    } catch (ValidationException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Returns all nodes. */
  List<Resource<NodeSpec>> nodes() {
    return nodes;
  }

  /** Returns this node. */
  Optional<Resource<NodeSpec>> ownNode() {
    return nodes.stream().filter(n -> node.is(n.metadata().name())).findFirst();
  }

  /** Returns all peers, by name. */
  List<Resource<BgpPeerSpec>> peers() {
    return peers;
  }

  /** Returns all pools. */
  List<Resource<IpPoolSpec>> pools() {
    return all(ResourceKind.IP_POOL);
  }

  /** Returns the BGPConfiguration of the cluster. */
  BgpConfigurationSpec global() {
    return global;
  }

  /** Returns the BGPConfiguration of this node. */
  BgpConfigurationSpec own() {
    return own;
  }

  /** Returns the filter; empty when it is not there. */
  Optional<BgpView.Filter> filter(String name, IpFamily family) {
    Entry entry = entries.get(ResourceKey.of(ResourceKind.BGP_FILTER, name).path());
    if (entry == null) {
      return Optional.empty();
    }
    boolean v4 = family == IpFamily.IPV4;
    Optional<BgpFilterSpec> spec =
        ValidationFilter.silent().accept(ResourceKind.BGP_FILTER, entry).map(Resource::spec);
    return Optional.of(
        new BgpView.Filter(
            name,
            spec.isPresent(),
            spec.map(s -> v4 ? s.importV4() : s.importV6()).orElse(List.of()),
            spec.map(s -> v4 ? s.exportV4() : s.exportV6()).orElse(List.of())));
  }

  /** Returns this node's confirmed blocks. */
  List<Cidr> blocks(IpFamily family) {
    List<Cidr> blocks = new ArrayList<>();
    below(IpamKeys.affinities(node, family)).values().stream()
        .filter(e -> !e.value().contains("pending"))
        .forEach(e -> IpamKeys.tryCidrOf(e.key()).ifPresent(blocks::add));
    return blocks;
  }

  /** Returns the TCP port of a node; empty when it is BGP's own. */
  Optional<Integer> listenPort(String name) {
    Integer port = ports.getOrDefault("node." + name, ports.get(DEFAULT));
    return Optional.ofNullable(port);
  }

  /** Returns the AS number of a node. */
  long asNumber(Resource<NodeSpec> other) {
    NodeSpec.Bgp bgp = other.spec().bgp();
    if (bgp != null && bgp.asNumber() != null) {
      return bgp.asNumber().value();
    }
    AsNumber common = global.asNumber();
    return common == null ? AsNumber.DEFAULT.value() : common.value();
  }

  /** Returns the address of a node. */
  static Optional<IpAddress> address(Resource<NodeSpec> node, IpFamily family) {
    NodeSpec.Bgp bgp = node.spec().bgp();
    if (bgp == null) {
      return Optional.empty();
    }
    String text = family == IpFamily.IPV4 ? bgp.ipv4Address() : bgp.ipv6Address();
    if (text == null || text.isEmpty()) {
      return Optional.empty();
    }
    int slash = text.indexOf('/');
    return IpAddress.tryParse(slash < 0 ? text : text.substring(0, slash))
        .filter(address -> address.family() == family);
  }

  /** Returns the cluster of a route reflector; empty when a node is none. */
  static String clusterId(Resource<NodeSpec> node) {
    NodeSpec.Bgp bgp = node.spec().bgp();
    String id = bgp == null ? null : bgp.routeReflectorClusterID();
    return id == null || id.isEmpty() ? "" : IpAddress.parse(id).toString();
  }

  private <S> List<Resource<S>> all(ResourceKind<S> kind) {
    ValidationFilter filter = ValidationFilter.silent();
    return below(kind.prefix()).values().stream()
        .flatMap(entry -> filter.accept(kind, entry).stream())
        .toList();
  }

  private SortedMap<String, Entry> below(String prefix) {
    return entries.subMap(prefix, prefix + Character.MAX_VALUE);
  }
}
