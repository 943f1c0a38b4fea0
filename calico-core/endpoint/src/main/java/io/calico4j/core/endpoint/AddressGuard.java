package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.ClusterAddresses;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.IpReservationSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps addresses that are in use from being given to a container that asks for them by name: its
 * host would route them, or translate them, to the container. What IPAM chooses is not looked at.
 */
final class AddressGuard {
  private static final Logger log = LoggerFactory.getLogger(AddressGuard.class);

  /** Addresses that no one container can be reached by. */
  private static final List<Cidr> SPECIAL =
      List.of(
          Cidr.parse("0.0.0.0/8"),
          Cidr.parse("127.0.0.0/8"),
          Cidr.parse("169.254.0.0/16"),
          Cidr.parse("224.0.0.0/3"),
          Cidr.parse("::/127"),
          Cidr.parse("fe80::/10"),
          Cidr.parse("ff00::/8"));

  private final Ipam ipam;
  private final Netlink host;
  private final Set<IpAddress> datastoreAddresses;

  AddressGuard(Ipam ipam, Netlink host, Set<IpAddress> datastoreAddresses) {
    this.ipam = ipam;
    this.host = host;
    this.datastoreAddresses = Set.copyOf(datastoreAddresses);
  }

  /**
   * Demands that no address the request names is needed by the cluster, and that no floating one is
   * or may be given to another workload.
   *
   * @param endpoints reads all endpoints of the cluster; only done for floating and for reserved
   *     addresses
   * @throws AttachException that names the address and who has it
   */
  void require(AttachRequest request, Endpoints endpoints)
      throws AttachException, DatastoreException, KernelException {
    List<IpAddress> asked = new ArrayList<>(request.floating());
    asked.addAll(request.fixed());
    asked.addAll(request.held());
    if (asked.isEmpty()) {
      return;
    }
    Map<IpAddress, String> needed = needed();
    for (IpAddress address : asked) {
      String whose = needed.get(address);
      if (whose != null) {
        throw refused(request, address, whose);
      }
      if (SPECIAL.stream().anyMatch(special -> special.contains(address))) {
        throw refused(request, address, "is no address of one container");
      }
    }
    for (IpAddress address : request.floating()) {
      requireUnassigned(request, address);
    }
    List<IpAddress> shared = new ArrayList<>(request.floating());
    for (IpAddress address : request.fixed()) {
      if (isKeptFromChoice(address)) {
        // Such an address may be another endpoint's floating address already.
        shared.add(address);
      }
    }
    if (!shared.isEmpty()) {
      requireNobodys(request, shared, endpoints);
    }
  }

  /** Reads the endpoints of the cluster. */
  interface Endpoints {
    List<Resource<WorkloadEndpointSpec>> list() throws DatastoreException;
  }

  /** Returns what hosts, peers and the datastore are reached by, and whose it is. */
  private Map<IpAddress, String> needed() throws DatastoreException, KernelException {
    Map<IpAddress, String> needed = new TreeMap<>();
    for (Entry entry : ipam.reads().list(ResourceKind.BGP_PEER.prefix())) {
      decode(ResourceKind.BGP_PEER, entry)
          .ifPresent(
              (Resource<BgpPeerSpec> peer) ->
                  ClusterAddresses.of(peer.spec())
                      .ifPresent(
                          a -> needed.put(a, "is BGPPeer " + peer.metadata().name() + "'s")));
    }
    for (Entry entry : ipam.reads().list(ResourceKind.NODE.prefix())) {
      decode(ResourceKind.NODE, entry)
          .ifPresent(
              (Resource<NodeSpec> node) ->
                  ClusterAddresses.of(node.spec())
                      .forEach(a -> needed.put(a, "is node " + node.metadata().name() + "'s")));
    }
    host.addresses().forEach(own -> needed.put(own.address(), "is an address of this host"));
    datastoreAddresses.forEach(address -> needed.put(address, "is etcd's"));
    return needed;
  }

  private static <S> Optional<Resource<S>> decode(ResourceKind<S> kind, Entry entry) {
    try {
      return Optional.of(ResourceCodec.decode(kind, entry));
    } catch (ValidationException e) {
      log.warn("its addresses are not known: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private void requireNobodys(AttachRequest request, List<IpAddress> addresses, Endpoints endpoints)
      throws AttachException, DatastoreException {
    String own = request.identity().key().path();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints.list()) {
      if (endpoint.key().path().equals(own)) {
        continue;
      }
      for (IpAddress address : addresses) {
        if (has(endpoint.spec(), address)) {
          throw refused(request, address, "is endpoint " + endpoint.metadata().name() + "'s");
        }
      }
    }
  }

  /** Demands that IPAM has not assigned the address, and will not choose it later. */
  private void requireUnassigned(AttachRequest request, IpAddress address)
      throws AttachException, DatastoreException {
    Optional<Block.Owner> owner = ipam.ownerOf(address);
    if (owner.isPresent()) {
      throw refused(request, address, "is held by handle " + owner.get().handleId());
    }
    Optional<Resource<IpPoolSpec>> pool = enabledPool(address);
    if (pool.isPresent() && !isKeptFromChoice(address)) {
      throw refused(
          request,
          address,
          "is in IPPool "
              + pool.get().metadata().name()
              + ", which may give it to another container: reserve it with an IPReservation, or"
              + " disable the pool");
    }
  }

  /** Tells whether only a request by name can get the address: reserved, or of a manual pool. */
  private boolean isKeptFromChoice(IpAddress address) throws DatastoreException {
    for (Entry entry : ipam.reads().list(ResourceKind.IP_RESERVATION.prefix())) {
      Optional<Resource<IpReservationSpec>> reservation =
          decode(ResourceKind.IP_RESERVATION, entry);
      if (reservation.isPresent()
          && reservation.get().spec().reservedCIDRs().stream()
              .anyMatch(text -> contains(text, address))) {
        return true;
      }
    }
    return enabledPool(address)
        .filter(pool -> "Manual".equals(pool.spec().assignmentMode()))
        .isPresent();
  }

  private Optional<Resource<IpPoolSpec>> enabledPool(IpAddress address) throws DatastoreException {
    for (Entry entry : ipam.reads().list(ResourceKind.IP_POOL.prefix())) {
      Optional<Resource<IpPoolSpec>> pool = decode(ResourceKind.IP_POOL, entry);
      if (pool.isPresent()
          && contains(pool.get().spec().cidr(), address)
          && pool.get().spec().enabled()) {
        return pool;
      }
    }
    return Optional.empty();
  }

  private static boolean contains(String cidr, IpAddress address) {
    return Cidr.tryParse(cidr).filter(network -> network.contains(address)).isPresent();
  }

  private static boolean has(WorkloadEndpointSpec endpoint, IpAddress address) {
    return endpoint.ipNetworks().stream().anyMatch(text -> contains(text, address))
        || endpoint.ipNATs().stream()
            .anyMatch(nat -> contains(String.valueOf(nat.externalIP()), address));
  }

  private static AttachException refused(AttachRequest request, IpAddress address, String why) {
    boolean floating = request.floating().contains(address);
    return new AttachException(
        Reason.REFUSED,
        (floating ? "floating address " : "address ")
            + address
            + " of "
            + request.identity()
            + " "
            + why
            + ": ask for another one",
        null);
  }
}
