package io.calico4j.core.endpoint;

import java.time.Duration;

/**
 * How endpoints are attached on this host.
 *
 * @param defaultMtu of pairs whose request names none, in bytes
 * @param policyTimeout how long an attach waits for its policy to be in the kernel
 * @param deferLinkDeletion whether detached links are deleted in groups in the background: for
 *     calico-node; a short-lived process deletes them itself
 * @param awaitRemoval whether a detach waits until the endpoint's rules are gone: for a process
 *     that programs them itself
 */
public record EndpointSettings(
    int defaultMtu, Duration policyTimeout, boolean deferLinkDeletion, boolean awaitRemoval) {
  /** For calico-node: MTU 1500, ten seconds, deferred deletion. */
  public static EndpointSettings forAgent() {
    return new EndpointSettings(1500, Duration.ofSeconds(10), true, false);
  }

  /** For a process that serves one request. */
  public static EndpointSettings forSingleRequest() {
    return new EndpointSettings(1500, Duration.ofSeconds(10), false, true);
  }
}
