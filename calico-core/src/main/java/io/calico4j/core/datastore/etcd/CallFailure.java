package io.calico4j.core.datastore.etcd;

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

  /** What a member says at once that was asked to need a leader (rpctypes/error.go). */
  private static final String NO_LEADER = "etcdserver: no leader";

  private final Kind kind;
  private final int status;

  CallFailure(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.status = GrpcStatus.OK;
  }

  /** Makes that of an answer with a gRPC status. */
  CallFailure(int status, String message) {
    super(GrpcStatus.name(status) + ": " + message);
    this.kind = message.contains(NO_LEADER) ? Kind.NO_LEADER : Kind.REFUSED;
    this.status = status;
  }

  /** Tells whether etcd has certainly not done what it was asked for. */
  boolean isNothingDone() {
    return kind == Kind.NOT_SENT || kind == Kind.NO_LEADER;
  }

  Kind kind() {
    return kind;
  }

  /** Returns the gRPC status; {@link GrpcStatus#OK} unless etcd has answered. */
  int status() {
    return status;
  }
}
