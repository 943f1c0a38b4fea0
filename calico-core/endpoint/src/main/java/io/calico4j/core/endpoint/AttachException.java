package io.calico4j.core.endpoint;

import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.KernelException;
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

  /** Returns the failure of an operation on an endpoint, for the cause that it had. */
  static AttachException of(String operation, EndpointIdentity identity, Exception cause) {
    if (cause instanceof AttachException known) {
      return known;
    }
    if (cause instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    Reason reason =
        cause instanceof IpamException
            ? Reason.REFUSED
            : cause instanceof KernelException ? Reason.KERNEL : Reason.TRY_AGAIN;
    return new AttachException(
        reason, operation + " " + identity + ": " + cause.getMessage(), cause);
  }
}
