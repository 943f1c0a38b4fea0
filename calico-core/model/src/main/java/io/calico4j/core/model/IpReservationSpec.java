package io.calico4j.core.model;

import java.util.List;

/**
 * Spec of an IPReservation: addresses that automatic assignment leaves alone. Asking for one of
 * them explicitly is allowed.
 *
 * @param reservedCIDRs CIDRs or addresses
 */
public record IpReservationSpec(List<String> reservedCIDRs) {
  /** Copies the list; an absent one becomes empty. */
  public IpReservationSpec {
    reservedCIDRs = Lists.copy(reservedCIDRs);
  }
}
