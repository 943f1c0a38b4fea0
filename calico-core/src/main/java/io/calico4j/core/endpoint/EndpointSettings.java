package io.calico4j.core.endpoint;

import io.calico4j.core.net.IpAddress;
import java.time.Duration;
import java.util.Set;
import java.util.function.IntSupplier;

/**
 * How endpoints are attached on this host.
 *
 * @param defaultMtu of pairs whose request names none, in bytes; asked at each attachment
 * @param policyTimeout how long an attach waits for its policy to be in the kernel
 * @param deferLinkDeletion whether detached links are deleted in groups in the background: for
 *     calico-node; a short-lived process deletes them itself
 * @param awaitRemoval whether a detach waits until the endpoint's rules are gone: for a process
 *     that programs them itself
 * @param datastoreAddresses what etcd is reached by; no container gets such an address
 */
public record EndpointSettings(
    IntSupplier defaultMtu,
    Duration policyTimeout,
    boolean deferLinkDeletion,
    boolean awaitRemoval,
    Set<IpAddress> datastoreAddresses) {
  /** For calico-node: ten seconds, deferred deletion. */
  public static EndpointSettings forAgent(IntSupplier defaultMtu) {
    return new EndpointSettings(defaultMtu, Duration.ofSeconds(10), true, false, Set.of());
  }

  /** Returns the same with the addresses that etcd is reached by. */
  public EndpointSettings withDatastoreAddresses(Set<IpAddress> addresses) {
    return new EndpointSettings(
        defaultMtu, policyTimeout, deferLinkDeletion, awaitRemoval, addresses);
  }

  /** For a process that serves one request. */
  public static EndpointSettings forSingleRequest(IntSupplier defaultMtu) {
    return new EndpointSettings(defaultMtu, Duration.ofSeconds(10), false, true, Set.of());
  }
}
