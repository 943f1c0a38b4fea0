package io.calico4j.node.bird;

import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.Community;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What BIRD's configuration depends on. Equal views give equal text: lists whose order means
 * nothing are sorted.
 *
 * @param node this node
 * @param families what is told and taken of each family of which the node has an address
 */
record BgpView(Node node, List<Family> families) {
  BgpView {
    families = List.copyOf(families);
  }

  /** How much bird logs. */
  enum Logging {
    /** Nothing. */
    NONE,
    /** What ends bird. */
    FATAL,
    /** What fails. */
    ERROR,
    /** What is wrong. */
    WARNING,
    /** Sessions that come and go. */
    INFO,
    /** Each message and route. */
    DEBUG
  }

  /**
   * This node.
   *
   * @param routerId the router id
   * @param asNumber its AS number
   * @param clusterId route reflector cluster id; empty when it is none
   * @param listenPort BGP's TCP port
   * @param bound whether bird listens on the node's address only
   * @param ignoredInterfaces interfaces whose networks bird does not read, sorted
   * @param logging how much bird logs
   */
  record Node(
      IpAddress routerId,
      long asNumber,
      String clusterId,
      int listenPort,
      boolean bound,
      List<String> ignoredInterfaces,
      Logging logging) {
    Node {
      ignoredInterfaces = ignoredInterfaces.stream().distinct().sorted().toList();
    }
  }

  /**
   * What is told and taken of one address family.
   *
   * @param family the family
   * @param address the node's address
   * @param priority the metric of an ordinary route
   * @param blocks this node's confirmed blocks
   * @param pools IP pools
   * @param advertised networks of services, announced as a whole
   * @param reflected networks of services into which a reflector passes routes on
   * @param communities which routes are announced with which communities, in order
   * @param gateways by a peer's address, the gateway by which it is reached
   * @param filters BGPFilters that sessions name
   * @param sessions sessions
   */
  record Family(
      IpFamily family,
      IpAddress address,
      int priority,
      List<Cidr> blocks,
      List<Pool> pools,
      List<Cidr> advertised,
      List<Cidr> reflected,
      List<Tagged> communities,
      SortedMap<IpAddress, IpAddress> gateways,
      List<Filter> filters,
      List<BgpSession> sessions) {
    Family {
      blocks = blocks.stream().distinct().sorted().toList();
      pools = pools.stream().sorted(Comparator.comparing(Pool::cidr)).toList();
      advertised = advertised.stream().distinct().sorted().toList();
      reflected = reflected.stream().distinct().sorted().toList();
      communities = List.copyOf(communities);
      gateways = new TreeMap<>(Map.copyOf(gateways));
      filters = filters.stream().sorted(Comparator.comparing(Filter::name)).toList();
      sessions = sessions.stream().sorted(Comparator.comparing(BgpSession::name)).toList();
    }
  }

  /**
   * An IP pool.
   *
   * @param cidr its network
   * @param hidden whether its routes are announced to no peer
   * @param kernelRoutes whether bird writes routes to other nodes' blocks into the kernel
   * @param blackholes whether bird does so with this node's own blocks
   */
  record Pool(Cidr cidr, boolean hidden, boolean kernelRoutes, boolean blackholes) {}

  /**
   * The communities of routes.
   *
   * @param cidr into which network the routes lead
   * @param communities what is added to them
   */
  record Tagged(Cidr cidr, List<Community> communities) {
    Tagged {
      communities = List.copyOf(communities);
    }
  }

  /**
   * The part of a BGPFilter for one family.
   *
   * @param name the BGPFilter's name
   * @param readable whether it could be read; one that could not lets nothing through
   * @param imports rules for what is taken
   * @param exports rules for what is told
   */
  record Filter(
      String name,
      boolean readable,
      List<BgpFilterSpec.Rule> imports,
      List<BgpFilterSpec.Rule> exports) {
    Filter {
      imports = List.copyOf(imports);
      exports = List.copyOf(exports);
    }
  }
}
