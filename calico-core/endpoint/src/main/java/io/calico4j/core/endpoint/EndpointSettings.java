package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.Patience;
import io.calico4j.core.net.IpAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How endpoints are attached on this host.
 *
 * @param defaultMtu of pairs whose request names none, in bytes; asked at each attachment
 * @param policyTimeout how long a process that programs rules itself waits for the right to do so
 * @param deferLinkDeletion whether detached links are deleted in groups in the background, and so
 *     are conntrack entries of their addresses: for calico-node; a short-lived process deletes them
 *     itself
 * @param awaitRemoval whether a detach waits until the endpoint's rules are gone: for a process
 *     that programs them itself
 * @param datastoreAddresses what etcd is reached by; no container gets such an address
 * @param patience the budget of an attach, the wait for its policy included
 * @param teardowns the directory of detachments that the datastore has not heard of; none are
 *     recorded when absent, and a detach fails while the datastore is away
 */
public record EndpointSettings(
    IntSupplier defaultMtu,
    Duration policyTimeout,
    boolean deferLinkDeletion,
    boolean awaitRemoval,
    Set<IpAddress> datastoreAddresses,
    Patience patience,
    @Nullable Path teardowns) {
  /** For calico-node: deferred deletion. */
  public static EndpointSettings forAgent(IntSupplier defaultMtu) {
    return of(defaultMtu, true, false);
  }

  private static EndpointSettings of(
      IntSupplier defaultMtu, boolean deferLinkDeletion, boolean awaitRemoval) {
    return new EndpointSettings(
        defaultMtu,
        Duration.ofSeconds(10),
        deferLinkDeletion,
        awaitRemoval,
        Set.of(),
        new Patience(Patience.DEFAULT),
        null);
  }

  /** Returns these with the addresses that etcd is reached by. */
  public EndpointSettings withDatastoreAddresses(Set<IpAddress> addresses) {
    return new EndpointSettings(
        defaultMtu, policyTimeout, deferLinkDeletion, awaitRemoval, addresses, patience, teardowns);
  }

  /** For a process that serves one request. */
  public static EndpointSettings forSingleRequest(IntSupplier defaultMtu) {
    return of(defaultMtu, false, true);
  }

  /** Returns these with another budget, and with a directory for recorded detachments. */
  public EndpointSettings with(Patience newPatience, Path newTeardowns) {
    return new EndpointSettings(
        defaultMtu,
        policyTimeout,
        deferLinkDeletion,
        awaitRemoval,
        datastoreAddresses,
        newPatience,
        newTeardowns);
  }
}
