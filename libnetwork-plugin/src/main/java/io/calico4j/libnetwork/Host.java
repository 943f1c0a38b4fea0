package io.calico4j.libnetwork;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.IntSupplier;

/**
 * What the drivers work on, and what they do alike.
 *
 * @param store endpoints in the datastore
 * @param addresses what Docker holds
 * @param pairs veth pairs in the kernel
 * @param docker what Docker knows
 * @param readiness tells when rules are in the kernel
 * @param connections what the kernel tracks
 * @param ipam the pools
 * @param mtuOf the MTU of new pairs
 */
record Host(
    EndpointStore store,
    AddressBook addresses,
    Pairs pairs,
    DockerApi docker,
    EndpointReadiness readiness,
    Connections connections,
    Ipam ipam,
    IntSupplier mtuOf) {
  private static final Duration POLICY_TIMEOUT = Duration.ofSeconds(10);

  /** Returns the MTU of new pairs, in bytes. */
  int mtu() {
    return mtuOf.getAsInt();
  }

  /** Opens an endpoint's pair once its rules are in the kernel. */
  void open(DockerEndpoint endpoint)
      throws RefusedException, KernelException, InterruptedException {
    if (!readiness.awaitProgrammed(
        endpoint.resource().key(), endpoint.resource().revision(), POLICY_TIMEOUT)) {
      throw new RefusedException(
          "policy of endpoint "
              + endpoint.id()
              + " was not in the kernel within "
              + POLICY_TIMEOUT.toSeconds()
              + " s: see calico-node's log and its /readiness");
    }
    pairs.open(endpoint.id(), endpoint.addresses(), new Gateways(endpoint.gateway()));
  }

  /** Removes an endpoint: first its pair, then what the datastore has of it. */
  void delete(EndpointId id) throws KernelException, DatastoreException {
    pairs.remove(id);
    Optional<DockerEndpoint> stored = store.get(id);
    if (stored.isPresent()) {
      // Before the addresses are released: their next owner must not meet these connections.
      connections.forget(stored.get().addresses());
      store.delete(id);
    }
  }
}
