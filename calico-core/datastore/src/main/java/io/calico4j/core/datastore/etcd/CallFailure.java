package io.calico4j.core.datastore.etcd;

import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** Why a call to etcd brought no answer that can be used. */
final class CallFailure extends Exception {
  private static final long serialVersionUID = 1;

  /** What is known of the request. */
  enum Kind {
    /** There was no connection in time; nothing was sent. */
    NOT_SENT,
    /** It was sent and not answered in time. */
    LATE,
    /** It was sent, and the connection broke before the answer. */
    LOST,
    /** The member knows no leader, and has done nothing. */
    NO_LEADER,
    /** etcd answered with another error. */
    REFUSED
  }

  /** How every error text of etcd begins (rpctypes/error.go). */
  private static final String FROM_ETCD = "etcdserver: ";

  /** What a member says at once that was asked to need a leader. */
  private static final String NO_LEADER = "etcdserver: no leader";

  private final Kind kind;
  private final Status.Code status;

  CallFailure(Kind kind, String message, @Nullable Throwable cause) {
    this(kind, Status.Code.OK, message, cause);
  }

  private CallFailure(Kind kind, Status.Code status, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.status = status;
  }

  /** Makes that of a login that etcd refused. */
  static CallFailure unauthenticated(String message) {
    return new CallFailure(Kind.REFUSED, Status.Code.UNAUTHENTICATED, message, null);
  }

  /**
   * Makes that of gRPC's exception.
   *
   * @param sent whether the request may have left
   */
  static CallFailure of(Throwable cause, boolean sent) {
    Status status = Status.fromThrowable(cause);
    String said = status.getDescription() == null ? "" : status.getDescription();
    String message = status.getCode() + (said.isEmpty() ? "" : ": " + said);
    if (said.contains(NO_LEADER)) {
      return new CallFailure(Kind.NO_LEADER, status.getCode(), message, cause);
    }
    if (said.contains(FROM_ETCD)) {
      return new CallFailure(Kind.REFUSED, status.getCode(), message, cause);
    }
    return switch (status.getCode()) {
      case DEADLINE_EXCEEDED -> new CallFailure(sent ? Kind.LATE : Kind.NOT_SENT, message, cause);
      case UNAVAILABLE, CANCELLED, INTERNAL, UNKNOWN -> lost(status, message, cause, sent);
      default -> new CallFailure(Kind.REFUSED, status.getCode(), message, cause);
    };
  }

  private static CallFailure lost(Status status, String message, Throwable cause, boolean sent) {
    Throwable root = status.getCause();
    String reason = root == null ? message : String.valueOf(root.getMessage());
    return sent
        ? new CallFailure(Kind.LOST, "the connection broke: " + reason, cause)
        : new CallFailure(Kind.NOT_SENT, reason, cause);
  }

  /** Tells whether etcd has certainly not done what it was asked for. */
  boolean isNothingDone() {
    return kind == Kind.NOT_SENT || kind == Kind.NO_LEADER;
  }

  Kind kind() {
    return kind;
  }

  /** Returns the status that etcd answered; {@link Status.Code#OK} unless it has answered. */
  Status.Code status() {
    return status;
  }
}
