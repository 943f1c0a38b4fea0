package io.calico4j.libnetwork;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares what Docker has on this node with what Docker says that it has. Names and labels are
 * kept in step. An endpoint that Docker lists in none of its networks, twice in a row and unchanged
 * in between, is taken back: a Docker that was killed removes what it finds of it at its next
 * start, and does not call DeleteEndpoint. Where Docker does not know the network either, as when
 * its data was removed, an endpoint stays while its pair leads into a network namespace that lives.
 * An address that neither an endpoint nor Docker has is released. Nothing is taken back while
 * Docker does not answer. Not for several threads.
 */
final class Reconciler {
  private static final Logger log = LoggerFactory.getLogger(Reconciler.class);
  static final Set<String> DRIVERS = Set.of("calico", "calico-ipam");

  private final Host host;
  private final Containers containers;
  private final Duration youngest;
  private Map<EndpointId, Long> suspects = Map.of();
  private Set<HandleId> unused = Set.of();

  /** What was said of endpoints that stay, to say it once. */
  private Set<EndpointId> kept = Set.of();

  private final AtomicLong taken = new AtomicLong();

  /**
   * Makes one.
   *
   * @param youngest how old an address must be to be released
   */
  Reconciler(Host host, Containers containers, Duration youngest) {
    this.host = host;
    this.containers = containers;
    this.youngest = youngest;
  }

  /** Returns how many endpoints and addresses were taken back. */
  long taken() {
    return taken.get();
  }

  /** Looks once; a second look is needed before anything is taken back. */
  void look()
      throws DockerApi.AwayException, DatastoreException, KernelException, InterruptedException {
    // Before Docker is asked: what comes later is not looked at.
    List<DockerEndpoint> endpoints = host.store().all();
    List<HandleId> handles = host.addresses().handles();
    List<DockerApi.Network> networks = host.docker().networks(DRIVERS);
    Map<String, DockerApi.Network> listed = new HashMap<>();
    Set<String> known = new HashSet<>();
    Set<IpAddress> used = new HashSet<>();
    for (DockerApi.Network network : networks) {
      known.add(network.id());
      network.containers().keySet().forEach(id -> listed.put(id, network));
      used.addAll(network.addresses());
    }
    Map<EndpointId, Long> gone = new HashMap<>();
    Set<EndpointId> living = new HashSet<>();
    for (DockerEndpoint endpoint : endpoints) {
      DockerApi.Network network = listed.get(endpoint.id().text());
      if (network != null) {
        identify(endpoint, network);
      } else if (!known.contains(endpoint.networkId())
          && host.pairs().isInContainer(endpoint.id())) {
        living.add(endpoint.id());
        if (!kept.contains(endpoint.id())) {
          log.warn(
              "endpoint {} stays, because its container runs, though Docker does not know its network {}"
                  + " any more",
              endpoint.id(),
              endpoint.networkId());
        }
      } else {
        collect(endpoint, gone);
      }
    }
    suspects = gone;
    kept = living;
    releaseUnused(handles, used);
  }

  private void identify(DockerEndpoint endpoint, DockerApi.Network network)
      throws DockerApi.AwayException, DatastoreException, KernelException, InterruptedException {
    try {
      boolean unusedAnswer = containers.identify(endpoint, network);
    } catch (RefusedException e) {
      log.warn("endpoint {}: {}", endpoint.id(), e.getMessage());
    }
  }

  private void collect(DockerEndpoint endpoint, Map<EndpointId, Long> gone)
      throws DatastoreException, KernelException {
    EndpointId id = endpoint.id();
    long revision = endpoint.resource().revision();
    if (!Long.valueOf(revision).equals(suspects.get(id))) {
      gone.put(id, revision);
    } else if (host.store().get(id).filter(e -> e.resource().revision() == revision).isPresent()) {
      host.delete(id);
      long unusedCount = taken.incrementAndGet();
      log.warn(
          "endpoint {} with {} is taken back: Docker lists it in no network",
          id,
          endpoint.addresses());
    }
  }

  private void releaseUnused(List<HandleId> handles, Set<IpAddress> used)
      throws DatastoreException {
    Set<HandleId> again = new HashSet<>(handles);
    again.retainAll(unused);
    Set<HandleId> found = new HashSet<>(handles);
    for (HandleId handle : again) {
      List<IpAddress> released =
          host.addresses().releaseUnused(handle, used, Instant.now().minus(youngest));
      if (!released.isEmpty()) {
        found.remove(handle);
        long unusedCount = taken.addAndGet(released.size());
        log.warn("{} is released: neither an endpoint nor Docker has it", released);
      }
    }
    unused = found;
  }
}
