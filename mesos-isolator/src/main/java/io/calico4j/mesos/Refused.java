package io.calico4j.mesos;

/** A net-modules request that cannot be served; the message is the answer's {@code error}. */
final class Refused extends Exception {
  Refused(String message) {
    super(message);
  }
}
