package io.calico4j.core.endpoint;

import java.time.Duration;
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
 */
public record EndpointSettings(
    IntSupplier defaultMtu,
    Duration policyTimeout,
    boolean deferLinkDeletion,
    boolean awaitRemoval) {
  /** For calico-node: ten seconds, deferred deletion. */
  public static EndpointSettings forAgent(IntSupplier defaultMtu) {
    return new EndpointSettings(defaultMtu, Duration.ofSeconds(10), true, false);
  }

  /** For a process that serves one request. */
  public static EndpointSettings forSingleRequest(IntSupplier defaultMtu) {
    return new EndpointSettings(defaultMtu, Duration.ofSeconds(10), false, true);
  }
}
