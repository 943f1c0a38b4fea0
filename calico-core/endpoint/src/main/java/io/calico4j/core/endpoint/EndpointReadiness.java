package io.calico4j.core.endpoint;

import io.calico4j.core.model.ResourceKey;
import java.time.Duration;

/** Answers "is this endpoint's policy in the kernel?"; Felix implements it. */
public interface EndpointReadiness {
  /**
   * Waits until the rules of the endpoint, as written at the revision or later, are committed.
   *
   * @param endpoint the WorkloadEndpoint
   * @param revision the revision of its write
   * @param timeout how long to wait at most
   * @return false when the time is up
   */
  boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException;

  /** Waits until the rules of a deleted endpoint are gone; returns false when the time is up. */
  boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException;
}
