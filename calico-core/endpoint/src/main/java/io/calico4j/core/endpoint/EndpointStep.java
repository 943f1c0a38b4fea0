package io.calico4j.core.endpoint;

/**
 * The steps of attaching and detaching: each is done when an observer hears of it, and a process
 * that dies right after it must leave nothing that a repeated request, or a detach, does not put
 * right. Registration goes on beside the creation of the pair, so their order varies.
 */
public enum EndpointStep {
  /** An attach has found its sandbox fit. */
  SANDBOX_CHECKED,
  /** The network's profile is in the datastore. */
  PROFILE_ENSURED,
  /** The pair exists. */
  VETH_CREATED,
  /** Both ends are up; no address yet. */
  SANDBOX_PREPARED,
  /** Addresses, handle and endpoint are in the datastore. */
  REGISTERED,
  /** The sandbox has its addresses and routes. */
  SANDBOX_ADDRESSED,
  /** The host has its routes to the sandbox. */
  ROUTED,
  /** The endpoint's rules are in the kernel: the attach is complete. */
  POLICY_PROGRAMMED,
  /** A detach has taken the pair out of service. */
  LINK_REMOVED,
  /** Addresses, handle and endpoint are gone from the datastore: the detach is complete. */
  UNREGISTERED;

  /** Hears of steps, on the thread that does them; must be quick. */
  public interface Observer {
    /** A step is done. */
    void reached(EndpointStep step);

    /** Listens to nothing. */
    Observer NONE = step -> {};
  }
}
