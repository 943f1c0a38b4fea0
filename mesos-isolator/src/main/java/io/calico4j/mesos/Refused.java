package io.calico4j.mesos;

import io.calico4j.core.model.PrintableText;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.Outcome;

/** A net-modules request that cannot be served; the message is the answer's {@code error}. */
final class Refused extends Exception {
  private final Outcome.NetModulesFailure outcome;

  Refused(String message) {
    this(Outcome.NetModulesFailure.REFUSED, message);
  }

  private Refused(Outcome.NetModulesFailure outcome, String message) {
    super(PrintableText.of(message));
    this.outcome = outcome;
  }

  static Refused addressInUse(IpAddress address) {
    return new Refused(
        Outcome.NetModulesFailure.ADDRESS_IN_USE, "IP '" + address + "' already in use.");
  }

  Outcome.NetModulesFailure outcome() {
    return outcome;
  }
}
