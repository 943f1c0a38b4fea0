package io.calico4j.node.bird;

import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.selector.Selector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Derives a node's view of BGP from the datastore's keys. */
final class BgpViewBuilder {
  private static final int BGP_PORT = 179;
  private static final Pattern PEER = Pattern.compile("([0-9.]+)(?::([0-9]{1,5}))?");

  private final NodeName node;
  private final SortedMap<String, Entry> entries;

  BgpViewBuilder(NodeName node, SortedMap<String, Entry> entries) {
    this.node = node;
    this.entries = entries;
  }

  /** Returns the view; empty while this node has no BGP address. */
  Optional<BgpView> build() {
    List<Resource<NodeSpec>> nodes = all(ResourceKind.NODE);
    Resource<NodeSpec> own =
        nodes.stream().filter(n -> node.is(n.metadata().name())).findFirst().orElse(null);
    IpAddress address = own == null ? null : address(own);
    if (own == null || address == null) {
      return Optional.empty();
    }
    BgpConfigurationSpec global =
        all(ResourceKind.BGP_CONFIGURATION).stream()
            .filter(c -> c.metadata().name().equals("default"))
            .findFirst()
            .map(Resource::spec)
            .orElse(BgpConfigurationSpec.EMPTY);
    int port = global.listenPort() == null ? BGP_PORT : global.listenPort();
    List<Cidr> blocks = new ArrayList<>();
    below(IpamKeys.affinities(node, IpFamily.IPV4)).values().stream()
        .filter(e -> !e.value().contains("pending"))
        .forEach(e -> IpamKeys.tryCidrOf(e.key()).ifPresent(blocks::add));
    List<Cidr> pools = new ArrayList<>();
    List<Cidr> hidden = new ArrayList<>();
    List<Cidr> tunnels = new ArrayList<>();
    for (Resource<IpPoolSpec> pool : all(ResourceKind.IP_POOL)) {
      if (pool.spec().network().address().isV4()) {
        boolean secret = Boolean.TRUE.equals(pool.spec().disableBGPExport());
        (secret ? hidden : pools).add(pool.spec().network());
        if (isOn(pool.spec().vxlanMode()) || isOn(pool.spec().ipipMode())) {
          tunnels.add(pool.spec().network());
        }
      }
    }
    Map<IpAddress, BgpView.Peer> peers = new LinkedHashMap<>();
    explicit(own, nodes, global, port, peers);
    if (!Boolean.FALSE.equals(global.nodeToNodeMeshEnabled()) && clusterId(own).isEmpty()) {
      for (Resource<NodeSpec> other : nodes) {
        IpAddress peer = address(other);
        if (peer != null && !peer.equals(address) && clusterId(other).isEmpty()) {
          peers.putIfAbsent(peer, peer("Mesh_", own, other, peer, global, port));
        }
      }
    }
    return Optional.of(
        new BgpView(
            address,
            asNumber(own, global),
            clusterId(own),
            port,
            blocks,
            pools,
            hidden,
            tunnels,
            List.copyOf(peers.values())));
  }

  private static boolean isOn(@Nullable String mode) {
    return mode != null && !mode.isEmpty() && !mode.equals("Never");
  }

  private void explicit(
      Resource<NodeSpec> own,
      List<Resource<NodeSpec>> nodes,
      BgpConfigurationSpec global,
      int port,
      Map<IpAddress, BgpView.Peer> peers) {
    for (Resource<BgpPeerSpec> resource : all(ResourceKind.BGP_PEER)) {
      BgpPeerSpec spec = resource.spec();
      boolean local = isLocal(spec, own);
      boolean everywhere = spec.node() == null && spec.nodeSelector() == null;
      String prefix = everywhere ? "Global_" : "Node_";
      String selector = spec.peerSelector();
      if (selector != null && !selector.isEmpty()) {
        Selector remote = Selector.parse(selector);
        for (Resource<NodeSpec> other : nodes) {
          boolean forward = local && remote.matches(other.metadata().labels());
          boolean reverse = remote.matches(own.metadata().labels()) && isLocal(spec, other);
          IpAddress peer = address(other);
          if ((forward || reverse) && peer != null && !peer.equals(address(own))) {
            peers.putIfAbsent(peer, peer(prefix, own, other, peer, global, port));
          }
        }
        continue;
      }
      Matcher matcher = PEER.matcher(String.valueOf(spec.peerIP()));
      AsNumber remoteAs = spec.asNumber();
      if (!local || remoteAs == null || !matcher.matches()) {
        continue;
      }
      IpAddress peer = IpAddress.tryParse(matcher.group(1)).orElse(null);
      if (peer == null) {
        continue;
      }
      int peerPort = matcher.group(2) == null ? BGP_PORT : Integer.parseInt(matcher.group(2));
      if (!peer.equals(address(own))) {
        peers.putIfAbsent(
            peer,
            new BgpView.Peer(name(prefix, peer), peer, peerPort, remoteAs.value(), false, false));
      }
    }
  }

  private static boolean isLocal(BgpPeerSpec spec, Resource<NodeSpec> node) {
    String selector = spec.nodeSelector();
    if (selector != null && !selector.isEmpty()) {
      return Selector.parse(selector).matches(node.metadata().labels());
    }
    return spec.node() == null
        || spec.node().isEmpty()
        || spec.node().equals(node.metadata().name());
  }

  private static BgpView.Peer peer(
      String prefix,
      Resource<NodeSpec> own,
      Resource<NodeSpec> other,
      IpAddress address,
      BgpConfigurationSpec global,
      int port) {
    long as = asNumber(other, global);
    boolean client =
        !clusterId(own).isEmpty()
            && as == asNumber(own, global)
            && !clusterId(other).equals(clusterId(own));
    IpAddress ours = address(own);
    boolean passive = ours != null && address.toString().compareTo(ours.toString()) > 0;
    return new BgpView.Peer(name(prefix, address), address, port, as, passive, client);
  }

  private static String name(String prefix, IpAddress address) {
    return prefix + address.toString().replace('.', '_').replace(':', '_');
  }

  private static @Nullable IpAddress address(Resource<NodeSpec> node) {
    NodeSpec.Bgp bgp = node.spec().bgp();
    String text = bgp == null ? null : bgp.ipv4Address();
    if (text == null) {
      return null;
    }
    int slash = text.indexOf('/');
    return IpAddress.tryParse(slash < 0 ? text : text.substring(0, slash)).orElse(null);
  }

  private static long asNumber(Resource<NodeSpec> node, BgpConfigurationSpec global) {
    NodeSpec.Bgp bgp = node.spec().bgp();
    if (bgp != null && bgp.asNumber() != null) {
      return bgp.asNumber().value();
    }
    AsNumber common = global.asNumber();
    return common == null ? AsNumber.DEFAULT.value() : common.value();
  }

  private static String clusterId(Resource<NodeSpec> node) {
    NodeSpec.Bgp bgp = node.spec().bgp();
    String id = bgp == null ? null : bgp.routeReflectorClusterID();
    return id == null || id.isEmpty() ? "" : IpAddress.parse(id).toString();
  }

  /** Returns those that can be read: a damaged one leaves itself out, and Felix names it. */
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
