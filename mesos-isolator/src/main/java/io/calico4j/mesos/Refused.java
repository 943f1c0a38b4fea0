package io.calico4j.mesos;

import io.calico4j.core.model.PrintableText;

/** A net-modules request that cannot be served; the message is the answer's {@code error}. */
final class Refused extends Exception {
  Refused(String message) {
    super(PrintableText.of(message));
  }
}
