package io.calico4j.core.endpoint;

import org.jspecify.annotations.Nullable;

/** An attach, check or detach that failed; whatever it had begun was taken back. */
public class AttachException extends Exception {
  private final Reason reason;

  /** Makes an exception with a message for the operator. */
  public AttachException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Returns what kind of failure it is. */
  public Reason reason() {
    return reason;
  }

  /** The kinds of failure a caller tells apart. */
  public enum Reason {
    /** The request cannot be met: no such pool, address in use, pools exhausted. */
    REFUSED,
    /** The sandbox is missing, is the host's own, or already has such an interface. */
    SANDBOX,
    /** The datastore or the agent is not ready: the same request may succeed later. */
    TRY_AGAIN,
    /** The kernel refused something. */
    KERNEL,
    /** What is there differs from what ought to be there (CHECK). */
    INCONSISTENT
  }
}
