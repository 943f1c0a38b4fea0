package io.calico4j.core.model;

import java.util.List;

/**
 * Spec of a NetworkSet or GlobalNetworkSet: CIDRs that selectors of rules can match by label.
 *
 * @param nets CIDRs or addresses
 */
public record NetworkSetSpec(List<String> nets) {
  /** Copies the list; an absent one becomes empty. */
  public NetworkSetSpec {
    nets = Lists.copy(nets);
  }
}
