package io.calico4j.libnetwork;

/** A call that cannot be served; the message is for the person who ran docker. */
final class RefusedException extends Exception {
  RefusedException(String message) {
    super(message);
  }

  RefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
