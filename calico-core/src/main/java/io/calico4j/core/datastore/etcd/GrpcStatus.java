package io.calico4j.core.datastore.etcd;

import java.util.List;

/** The status codes of gRPC (doc/statuscodes.md in grpc/grpc) that matter here, and all names. */
final class GrpcStatus {
  static final int OK = 0;
  static final int UNKNOWN = 2;
  static final int INVALID_ARGUMENT = 3;
  static final int PERMISSION_DENIED = 7;
  static final int FAILED_PRECONDITION = 9;
  static final int UNAVAILABLE = 14;
  static final int UNAUTHENTICATED = 16;

  private static final List<String> NAMES =
      List.of(
          "OK",
          "CANCELLED",
          "UNKNOWN",
          "INVALID_ARGUMENT",
          "DEADLINE_EXCEEDED",
          "NOT_FOUND",
          "ALREADY_EXISTS",
          "PERMISSION_DENIED",
          "RESOURCE_EXHAUSTED",
          "FAILED_PRECONDITION",
          "ABORTED",
          "OUT_OF_RANGE",
          "UNIMPLEMENTED",
          "INTERNAL",
          "UNAVAILABLE",
          "DATA_LOSS",
          "UNAUTHENTICATED");

  private GrpcStatus() {}

  /** Returns a code's name; codes that gRPC does not know are printed as they are. */
  static String name(int status) {
    return status >= 0 && status < NAMES.size() ? NAMES.get(status) : "status " + status;
  }
}
