package io.calico4j.felix;

import io.calico4j.felix.dataplane.nft.ForeignForwarding;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at chains of other programs that drop what is forwarded, and says what it found. */
final class ForeignChains {
  private static final Logger log = LoggerFactory.getLogger(ForeignChains.class);

  private final ForeignForwarding forwarding;

  ForeignChains(ForeignForwarding forwarding) {
    this.forwarding = forwarding;
  }

  /** Looks once. */
  void look() {
    try {
      ForeignForwarding.Findings findings = forwarding.check();
      findings
          .opened()
          .forEach(
              chain ->
                  log.warn(
                      "chain {} of another program drops what is forwarded: two rules in it now"
                          + " leave packets from and to workloads to policy",
                      chain));
      findings
          .closed()
          .forEach(
              chain ->
                  log.error(
                      "chain {} of another program drops what is forwarded, and with it what policy"
                          + " allows: insert into it iifname \"cali*\" accept and oifname \"cali*\""
                          + " accept",
                      chain));
    } catch (NftException e) {
      log.warn("chains of other programs are not looked at now: {}", e.getMessage());
    }
  }
}
