package io.calico4j.libnetwork;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.AddressInUseException;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses that Docker holds on this node. Docker asks for an address before it says whose it
 * will be; so each has a handle of its own, {@code libnetwork:NODE:RANDOM}, by which it is found
 * again whatever became of Docker.
 */
final class AddressBook {
  private static final Logger log = LoggerFactory.getLogger(AddressBook.class);
  private static final String TIMESTAMP = "timestamp";

  private final Ipam ipam;
  private final EndpointStore endpoints;
  private final String prefix;

  /** Assigned by this process, and no endpoint has them yet. */
  private final Set<IpAddress> promised = ConcurrentHashMap.newKeySet();

  AddressBook(Ipam ipam, EndpointStore endpoints) {
    this.ipam = ipam;
    this.endpoints = endpoints;
    prefix = DockerEndpoint.LIBNETWORK + ":" + endpoints.node() + ":";
  }

  /**
   * Assigns an address.
   *
   * @param pools names or CIDRs of the pools to choose from; empty for all
   * @param v4 of which family
   */
  IpAddress choose(List<String> pools, boolean v4) throws DatastoreException, RefusedException {
    try {
      return assign(pools, v4, List.of());
    } catch (IpamException e) {
      throw new RefusedException("no address can be assigned: " + e.getMessage(), e);
    }
  }

  /**
   * Assigns an address that was asked for. One that Docker was given here before, by a process that
   * is gone, and that no endpoint has, is taken over: Docker asks again when a call was cut off.
   */
  synchronized IpAddress take(IpAddress address) throws DatastoreException, RefusedException {
    try {
      return assign(List.of(), address.isV4(), List.of(address));
    } catch (AddressInUseException e) {
      Optional<HandleId> left = own(address);
      if (left.isEmpty() || promised.contains(address) || endpoints.userOf(address).isPresent()) {
        throw inUse(address, e);
      }
      log.info("{} is taken over: Docker was given it before, and no endpoint has it", address);
      promised.add(address);
      return address;
    } catch (IpamException e) {
      throw new RefusedException(e.getMessage() + ": give --ip an address of a pool", e);
    }
  }

  private RefusedException inUse(IpAddress address, AddressInUseException cause) {
    String holder =
        endpoints
            .userOf(address)
            .map(name -> ", WorkloadEndpoint " + name + " has it")
            .orElse(promised.contains(address) ? ", Docker was given it a moment ago" : "");
    return new RefusedException(
        cause.getMessage()
            + holder
            + ": choose another one, or see calicoctl ipam show --ip="
            + address,
        cause);
  }

  private IpAddress assign(List<String> pools, boolean v4, List<IpAddress> fixed)
      throws DatastoreException, IpamException {
    int chosen = fixed.isEmpty() ? 1 : 0;
    IpAddress address =
        ipam.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    new HandleId(prefix + UUID.randomUUID()),
                    v4 ? chosen : 0,
                    v4 ? 0 : chosen,
                    v4 ? pools : List.of(),
                    v4 ? List.of() : pools,
                    fixed,
                    Map.of("node", endpoints.node().text(), TIMESTAMP, Instant.now().toString())),
                Ipam.FurtherWrites.NONE)
            .addresses()
            .get(0);
    promised.add(address);
    return address;
  }

  /** Returns the handle of an address that Docker holds here; empty when it holds it not. */
  private Optional<HandleId> own(IpAddress address) throws DatastoreException {
    return ipam.ownerOf(address)
        .flatMap(Block.Owner::handle)
        .filter(handle -> handle.text().startsWith(prefix));
  }

  /** Releases an address that Docker holds here; what an endpoint has, or another, stays. */
  void release(IpAddress address) throws DatastoreException {
    promised.remove(address);
    Optional<HandleId> held = own(address);
    if (held.isEmpty()) {
      log.info("{} is not held by Docker on this node: nothing is released", address);
      return;
    }
    Optional<String> user = endpoints.userOf(address).filter(this::isStored);
    if (user.isPresent()) {
      log.warn("{} is released later: WorkloadEndpoint {} has it", address, user.get());
      return;
    }
    var unused = ipam.release(held.get());
  }

  private boolean isStored(String endpoint) {
    int dash = endpoint.lastIndexOf('-');
    try {
      return endpoints.get(new EndpointId(endpoint.substring(dash + 1))).isPresent();
    } catch (DatastoreException | IllegalArgumentException e) {
      return true;
    }
  }

  /**
   * Demands that Docker holds the addresses here, so that an endpoint may have them. The caller
   * holds this object's lock until the endpoint is stored.
   */
  void requireHeld(EndpointId id, List<IpAddress> addresses)
      throws DatastoreException, RefusedException {
    String own = endpoints.key(id).name();
    for (IpAddress address : addresses) {
      if (own(address).isEmpty()) {
        throw new RefusedException(
            address
                + " is not assigned to Docker on this node (it was taken back, or another IPAM"
                + " driver gave it): create the network with --ipam-driver calico-ipam, and start"
                + " the container again");
      }
      Optional<String> user = endpoints.userOf(address).filter(u -> !u.equals(own));
      if (user.isPresent() && isStored(user.get())) {
        throw new RefusedException(
            address + " is WorkloadEndpoint " + user.get() + "'s: choose another one");
      }
    }
  }

  /** Notes that an endpoint has the addresses now. */
  void used(List<IpAddress> addresses) {
    addresses.forEach(promised::remove);
  }

  /** Returns the handles of all that Docker holds here. */
  List<HandleId> handles() throws DatastoreException {
    return ipam.handles(prefix);
  }

  /**
   * Releases what a handle holds, unless a use of it is known, or it is younger than that.
   *
   * @return what was released
   */
  synchronized List<IpAddress> releaseUnused(HandleId handle, Set<IpAddress> used, Instant before)
      throws DatastoreException {
    for (IpAddress address : ipam.addressesOf(handle)) {
      if (used.contains(address) || endpoints.userOf(address).isPresent()) {
        return List.of();
      }
    }
    List<IpAddress> released =
        ipam.release(
            handle,
            owner -> isOlder(owner.secondary().get(TIMESTAMP), before),
            Ipam.FurtherWrites.NONE);
    released.forEach(promised::remove);
    return released;
  }

  private static boolean isOlder(@Nullable String timestamp, Instant before) {
    try {
      return timestamp == null || Instant.parse(timestamp).isBefore(before);
    } catch (DateTimeParseException e) {
      return true;
    }
  }
}
