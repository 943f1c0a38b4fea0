package io.calico4j.node.bird;

import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Community;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.PeerAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Derives a node's view of BGP from what is stored. */
final class BgpViewBuilder {
  private static final int NORMAL_PRIORITY = 1024;

  private final NodeName node;
  private final SortedMap<String, Entry> entries;
  private final RouterId routerId;
  private final Passwords passwords;
  private final List<Resource<WorkloadEndpointSpec>> workloads;
  private final Set<String> notes = new TreeSet<>();

  /**
   * Begins.
   *
   * @param workloads the endpoints of this node
   */
  BgpViewBuilder(
      NodeName node,
      SortedMap<String, Entry> entries,
      RouterId routerId,
      Passwords passwords,
      List<Resource<WorkloadEndpointSpec>> workloads) {
    this.node = node;
    this.entries = entries;
    this.routerId = routerId;
    this.passwords = passwords;
    this.workloads = workloads;
  }

  /**
   * Returns the view; empty while this node has no BGP address.
   *
   * @throws IllegalArgumentException when a BGPConfiguration of this node cannot be read
   */
  Optional<BgpView> build() {
    BgpResources stored = new BgpResources(node, entries);
    Resource<NodeSpec> own = stored.ownNode().orElse(null);
    if (own == null) {
      return Optional.empty();
    }
    List<BgpView.Family> families =
        Stream.of(IpFamily.IPV4, IpFamily.IPV6)
            .flatMap(family -> BgpResources.address(own, family).stream())
            .map(address -> family(stored, own, address))
            .toList();
    if (families.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new BgpView(
            new BgpView.Node(
                routerId.of(node, BgpResources.address(own, IpFamily.IPV4)),
                stored.asNumber(own),
                BgpResources.clusterId(own),
                stored.listenPort(node.text()).orElse(BgpResources.BGP_PORT),
                "NodeIP".equals(stored.global().bindMode()),
                stored.global().ignoredInterfaces(),
                logging(stored)),
            families));
  }

  /** Returns what cannot be done as it is asked for, of the view built last. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  private static BgpView.Logging logging(BgpResources stored) {
    String text = stored.own().logSeverityScreen();
    if (text == null || text.isEmpty()) {
      text = stored.global().logSeverityScreen();
    }
    return switch (String.valueOf(text).toLowerCase(Locale.ROOT)) {
      case "trace", "debug" -> BgpView.Logging.DEBUG;
      case "warning" -> BgpView.Logging.WARNING;
      case "error" -> BgpView.Logging.ERROR;
      case "fatal" -> BgpView.Logging.FATAL;
      case "none" -> BgpView.Logging.NONE;
      default -> BgpView.Logging.INFO;
    };
  }

  private BgpView.Family family(BgpResources stored, Resource<NodeSpec> own, IpAddress address) {
    IpFamily family = address.family();
    SessionOptions options = new SessionOptions(stored, family, passwords, notes);
    List<BgpSession> sessions =
        new SessionResolver(stored, own, address, options, workloads).resolve();
    boolean reflector = !BgpResources.clusterId(own).isEmpty();
    return new BgpView.Family(
        family,
        address,
        priority(stored.global(), family),
        stored.blocks(family),
        pools(stored, family),
        networks(family, advertised(stored.global())),
        reflector ? networks(family, external(stored.global())) : List.of(),
        communities(stored, family),
        gateways(stored, sessions, family),
        options.filters(),
        sessions);
  }

  private static int priority(BgpConfigurationSpec global, IpFamily family) {
    Integer given =
        family == IpFamily.IPV4
            ? global.ipv4NormalRoutePriority()
            : global.ipv6NormalRoutePriority();
    return given == null ? NORMAL_PRIORITY : given;
  }

  private static List<BgpView.Pool> pools(BgpResources stored, IpFamily family) {
    String routes = String.valueOf(stored.global().programClusterRoutes());
    boolean plain = !routes.equals("Disabled") && !routes.equals("EnabledIPIPOnly");
    List<BgpView.Pool> pools = new ArrayList<>();
    for (Resource<IpPoolSpec> pool : stored.pools()) {
      Cidr cidr = pool.spec().network();
      if (cidr.family() == family) {
        boolean tunnel = isOn(pool.spec().vxlanMode()) || isOn(pool.spec().ipipMode());
        boolean hidden = Boolean.TRUE.equals(pool.spec().disableBGPExport());
        pools.add(new BgpView.Pool(cidr, hidden, plain && !tunnel, !tunnel));
      }
    }
    return pools;
  }

  private static boolean isOn(@Nullable String mode) {
    return mode != null && !mode.isEmpty() && !mode.equals("Never");
  }

  /** Returns all networks of services; those of load balancers only when they are aggregated. */
  private static List<BgpConfigurationSpec.CidrEntry> advertised(BgpConfigurationSpec global) {
    List<BgpConfigurationSpec.CidrEntry> all = new ArrayList<>(global.serviceClusterIPs());
    all.addAll(global.serviceExternalIPs());
    if (!"Disabled".equals(global.serviceLoadBalancerAggregation())) {
      all.addAll(global.serviceLoadBalancerIPs());
    }
    return all;
  }

  private static List<BgpConfigurationSpec.CidrEntry> external(BgpConfigurationSpec global) {
    List<BgpConfigurationSpec.CidrEntry> all = new ArrayList<>(global.serviceLoadBalancerIPs());
    all.addAll(global.serviceExternalIPs());
    return all;
  }

  private static List<Cidr> networks(
      IpFamily family, Collection<BgpConfigurationSpec.CidrEntry> entries) {
    return entries.stream()
        .flatMap(entry -> Cidr.tryParse(String.valueOf(entry.cidr())).stream())
        .filter(cidr -> cidr.family() == family)
        .toList();
  }

  /** The node's own prefixAdvertisements, if there are any, replace the cluster's. */
  private List<BgpView.Tagged> communities(BgpResources stored, IpFamily family) {
    BgpConfigurationSpec chosen =
        stored.own().prefixAdvertisements().isEmpty() ? stored.global() : stored.own();
    List<BgpView.Tagged> tagged = new ArrayList<>();
    for (BgpConfigurationSpec.PrefixAdvertisement prefix : chosen.prefixAdvertisements()) {
      Optional<Cidr> cidr = Cidr.tryParse(String.valueOf(prefix.cidr()));
      List<Community> communities =
          prefix.communities().stream()
              .flatMap(text -> community(text, chosen, stored.global()).stream())
              .toList();
      if (cidr.isPresent() && cidr.get().family() == family && !communities.isEmpty()) {
        tagged.add(new BgpView.Tagged(cidr.get(), communities));
      }
    }
    return tagged;
  }

  private Optional<Community> community(
      String text, BgpConfigurationSpec chosen, BgpConfigurationSpec global) {
    Optional<Community> found =
        Stream.concat(chosen.communities().stream(), global.communities().stream())
            .filter(named -> text.equals(named.name()))
            .findFirst()
            .map(BgpConfigurationSpec.NamedCommunity::value)
            .or(() -> Optional.of(text))
            .flatMap(Community::tryParse);
    if (found.isEmpty()) {
      notes.add("BGPConfiguration names community " + text + ", which is nowhere: it is not added");
    }
    return found;
  }

  private static SortedMap<IpAddress, IpAddress> gateways(
      BgpResources stored, List<BgpSession> sessions, IpFamily family) {
    SortedMap<IpAddress, IpAddress> gateways = new TreeMap<>();
    for (Resource<BgpPeerSpec> peer : stored.peers()) {
      String gateway = peer.spec().reachableBy();
      Optional<IpAddress> remote =
          PeerAddress.tryParse(String.valueOf(peer.spec().peerIP())).map(PeerAddress::address);
      if (gateway != null
          && remote.isPresent()
          && sessions.stream().anyMatch(session -> session.address().equals(remote.get()))) {
        IpAddress.tryParse(gateway)
            .filter(address -> address.family() == family)
            .ifPresent(address -> gateways.putIfAbsent(remote.get(), address));
      }
    }
    return gateways;
  }
}
