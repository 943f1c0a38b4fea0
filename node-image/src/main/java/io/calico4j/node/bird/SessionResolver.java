package io.calico4j.node.bird;

import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.PeerAddress;
import io.calico4j.core.selector.Selector;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which sessions a node has with peers of one family: those that BGPPeers ask for, globally before
 * for single nodes, the ways back of other nodes' sessions, and the mesh. The first definition of a
 * peer wins.
 */
final class SessionResolver {
  private static final String GLOBAL = "Global_";
  private static final String NODE = "Node_";
  private static final String WORKLOAD = "Local_Workload_";
  private static final String MESH = "Mesh_";

  private final BgpResources stored;
  private final Resource<NodeSpec> own;
  private final IpFamily family;
  private final IpAddress address;
  private final SessionOptions options;
  private final List<Resource<WorkloadEndpointSpec>> workloads;
  private final Map<String, BgpSession> sessions = new TreeMap<>();

  SessionResolver(
      BgpResources stored,
      Resource<NodeSpec> own,
      IpAddress address,
      SessionOptions options,
      List<Resource<WorkloadEndpointSpec>> workloads) {
    this.stored = stored;
    this.own = own;
    this.family = address.family();
    this.address = address;
    this.options = options;
    this.workloads = workloads;
  }

  List<BgpSession> resolve() {
    for (boolean global : new boolean[] {true, false}) {
      for (Resource<BgpPeerSpec> peer : stored.peers()) {
        if (isGlobal(peer.spec()) == global && isLocal(peer.spec(), own)) {
          forward(peer, global ? GLOBAL : NODE);
        }
      }
    }
    for (Resource<BgpPeerSpec> peer : stored.peers()) {
      if (!"Manual".equals(peer.spec().reversePeering()) && selects(peer.spec(), own)) {
        stored.nodes().stream()
            .filter(other -> isLocal(peer.spec(), other))
            .forEach(other -> node(NODE, other, peer));
      }
    }
    boolean mesh = !Boolean.FALSE.equals(stored.global().nodeToNodeMeshEnabled());
    if (mesh && BgpResources.clusterId(own).isEmpty()) {
      stored.nodes().stream()
          .filter(other -> BgpResources.clusterId(other).isEmpty())
          .forEach(this::mesh);
    }
    return List.copyOf(sessions.values());
  }

  private void forward(Resource<BgpPeerSpec> peer, String prefix) {
    BgpPeerSpec spec = peer.spec();
    if (given(spec.localWorkloadSelector())) {
      Selector selector = Selector.parse(String.valueOf(spec.localWorkloadSelector()));
      workloads.stream()
          .filter(workload -> selector.matches(workload.metadata().labels()))
          .forEach(workload -> workload(workload, peer));
    } else if (given(spec.peerSelector())) {
      Selector selector = Selector.parse(String.valueOf(spec.peerSelector()));
      stored.nodes().stream()
          .filter(other -> selector.matches(other.metadata().labels()))
          .forEach(other -> node(prefix, other, peer));
    } else {
      PeerAddress.tryParse(String.valueOf(spec.peerIP()))
          .filter(remote -> remote.address().family() == family)
          .ifPresent(remote -> address(prefix, remote, peer));
    }
  }

  /** A session with what listens at an address, which may be a Calico node. */
  private void address(String prefix, PeerAddress remote, Resource<BgpPeerSpec> peer) {
    if (peer.spec().asNumber() == null) {
      options.note(
          "BGPPeer " + peer.metadata().name() + " has no asNumber: there is no session for it");
      return;
    }
    long as = peer.spec().asNumber().value();
    Optional<Resource<NodeSpec>> node =
        stored.nodes().stream().filter(other -> listens(other, remote, as)).findFirst();
    Optional<Integer> port =
        remote.port().isPresent()
            ? Optional.of(remote.port().getAsInt())
            : node.flatMap(other -> stored.listenPort(other.metadata().name()));
    long local = localAs(peer.spec());
    add(
        new BgpSession(
            name(prefix, remote.address(), port),
            remote.address(),
            port.orElse(BgpResources.BGP_PORT),
            as,
            local,
            new BgpSession.Role(
                node.isPresent() && isPassive(remote.address()),
                isClient(as, local, node.map(BgpResources::clusterId).orElse(""))),
            options.of(peer, as != local)));
  }

  /** Tells whether a node is what a peer's address names. */
  private boolean listens(Resource<NodeSpec> node, PeerAddress remote, long as) {
    int port = stored.listenPort(node.metadata().name()).orElse(BgpResources.BGP_PORT);
    return BgpResources.address(node, remote.address().family())
            .filter(remote.address()::equals)
            .isPresent()
        && stored.asNumber(node) == as
        && remote.port().orElse(port) == port;
  }

  /** A session with a Calico node. */
  private void node(String prefix, Resource<NodeSpec> other, Resource<BgpPeerSpec> peer) {
    BgpResources.address(other, family)
        .ifPresent(
            remote -> {
              // A side that poses as another AS is known to the other side by that.
              AsNumber posed =
                  isLocal(peer.spec(), other) && selects(peer.spec(), own)
                      ? peer.spec().localASNumber()
                      : null;
              long as = posed == null ? stored.asNumber(other) : posed.value();
              long local =
                  isLocal(peer.spec(), own) && selects(peer.spec(), other)
                      ? localAs(peer.spec())
                      : stored.asNumber(own);
              Optional<Integer> port = stored.listenPort(other.metadata().name());
              add(
                  new BgpSession(
                      name(prefix, remote, port),
                      remote,
                      port.orElse(BgpResources.BGP_PORT),
                      as,
                      local,
                      new BgpSession.Role(
                          isPassive(remote), isClient(as, local, BgpResources.clusterId(other))),
                      options.of(peer, as != local)));
            });
  }

  private void mesh(Resource<NodeSpec> other) {
    BgpResources.address(other, family)
        .ifPresent(
            remote -> {
              boolean there =
                  sessions.values().stream().anyMatch(known -> known.address().equals(remote));
              if (!there) {
                add(
                    new BgpSession(
                        name(MESH, remote, Optional.empty()),
                        remote,
                        stored.listenPort(other.metadata().name()).orElse(BgpResources.BGP_PORT),
                        stored.asNumber(other),
                        stored.asNumber(own),
                        new BgpSession.Role(isPassive(remote), false),
                        options.ofMesh()));
              }
            });
  }

  /** This node dials: policy always lets it reach its workloads, but not they it. */
  private void workload(Resource<WorkloadEndpointSpec> workload, Resource<BgpPeerSpec> peer) {
    Optional<IpAddress> remote =
        workload.spec().ipNetworks().stream()
            .flatMap(text -> Cidr.tryParse(text).stream())
            .map(Cidr::address)
            .filter(candidate -> candidate.family() == family)
            .findFirst();
    if (remote.isEmpty() || peer.spec().asNumber() == null) {
      return;
    }
    long as = peer.spec().asNumber().value();
    long local = localAs(peer.spec());
    add(
        new BgpSession(
            name(WORKLOAD, remote.get(), Optional.empty()),
            remote.get(),
            BgpResources.BGP_PORT,
            as,
            local,
            new BgpSession.Role(false, isClient(as, local, "")),
            options.of(peer, as != local)));
  }

  private void add(BgpSession session) {
    if (!session.address().equals(address)) {
      var unused = sessions.putIfAbsent(session.address() + " " + session.port(), session);
    }
  }

  private long localAs(BgpPeerSpec spec) {
    return spec.localASNumber() == null ? stored.asNumber(own) : spec.localASNumber().value();
  }

  private boolean isClient(long as, long local, String otherCluster) {
    String cluster = BgpResources.clusterId(own);
    return as == local && !cluster.isEmpty() && !otherCluster.equals(cluster);
  }

  /** Of two nodes one dials: the one with the greater text. */
  private boolean isPassive(IpAddress remote) {
    return remote.toString().compareTo(address.toString()) > 0;
  }

  private static boolean isGlobal(BgpPeerSpec spec) {
    return !given(spec.node()) && !given(spec.nodeSelector());
  }

  private static boolean isLocal(BgpPeerSpec spec, Resource<NodeSpec> node) {
    if (given(spec.nodeSelector())) {
      return Selector.parse(String.valueOf(spec.nodeSelector())).matches(node.metadata().labels());
    }
    return isGlobal(spec) || node.metadata().name().equals(spec.node());
  }

  /** Tells whether a node is the remote side of a peer. */
  private boolean selects(BgpPeerSpec spec, Resource<NodeSpec> node) {
    if (given(spec.localWorkloadSelector())) {
      return false;
    }
    if (given(spec.peerSelector())) {
      return Selector.parse(String.valueOf(spec.peerSelector())).matches(node.metadata().labels());
    }
    AsNumber as = spec.asNumber();
    return as != null
        && PeerAddress.tryParse(String.valueOf(spec.peerIP()))
            .filter(remote -> remote.address().family() == family)
            .filter(remote -> listens(node, remote, as.value()))
            .isPresent();
  }

  private static boolean given(@Nullable String text) {
    return text != null && !text.isEmpty();
  }

  private static String name(String prefix, IpAddress address, Optional<Integer> port) {
    return prefix
        + address.toString().replace('.', '_').replace(':', '_')
        + port.map(number -> "_port_" + number).orElse("");
  }
}
