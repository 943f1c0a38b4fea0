package io.calico4j.mesos;

import io.calico4j.core.model.PrintableText;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.Outcome;

/** A net-modules request that cannot be served; the message is the answer's {@code error}. */
final class RefusedRequestException extends Exception {
  private final Outcome.NetModulesFailure outcome;

  RefusedRequestException(String message) {
    this(Outcome.NetModulesFailure.REFUSED, message);
  }

  private RefusedRequestException(Outcome.NetModulesFailure outcome, String message) {
    super(PrintableText.of(message));
    this.outcome = outcome;
  }

  static RefusedRequestException addressInUse(IpAddress address) {
    return new RefusedRequestException(
        Outcome.NetModulesFailure.ADDRESS_IN_USE, "IP '" + address + "' already in use.");
  }

  Outcome.NetModulesFailure outcome() {
    return outcome;
  }
}
