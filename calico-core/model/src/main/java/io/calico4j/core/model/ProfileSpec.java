package io.calico4j.core.model;

import java.util.List;
import java.util.Map;

/**
 * Spec of a Profile: labels its endpoints inherit, and rules that decide after all policies.
 *
 * @param labelsToApply inherited labels
 * @param ingress rules for traffic to the endpoint
 * @param egress rules for traffic from the endpoint
 */
public record ProfileSpec(
    Map<String, String> labelsToApply, List<Rule> ingress, List<Rule> egress) {
  /** Copies the collections; absent ones become empty. */
  public ProfileSpec {
    labelsToApply = Lists.copy(labelsToApply);
    ingress = Lists.copy(ingress);
    egress = Lists.copy(egress);
  }
}
