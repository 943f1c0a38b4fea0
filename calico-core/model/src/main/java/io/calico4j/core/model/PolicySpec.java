package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a NetworkPolicy or GlobalNetworkPolicy.
 *
 * @param tier the tier; null means default
 * @param order ascending evaluation order; null means last
 * @param selector which endpoints it applies to; empty means all
 * @param namespaceSelector which namespaces' endpoints it applies to (global policies only)
 * @param serviceAccountSelector which service accounts' endpoints it applies to
 * @param types Ingress and/or Egress; filled in on write when empty
 * @param ingress rules for traffic to the endpoint
 * @param egress rules for traffic from the endpoint
 * @param doNotTrack host endpoints only: before connection tracking
 * @param preDNAT host endpoints only: before DNAT
 * @param applyOnForward host endpoints only: also for forwarded traffic
 */
public record PolicySpec(
    @Nullable String tier,
    @Nullable Double order,
    @Nullable String selector,
    @Nullable String namespaceSelector,
    @Nullable String serviceAccountSelector,
    List<String> types,
    List<Rule> ingress,
    List<Rule> egress,
    @Nullable Boolean doNotTrack,
    @Nullable Boolean preDNAT,
    @Nullable Boolean applyOnForward) {
  /** Copies the lists; absent ones become empty. */
  public PolicySpec {
    types = Lists.copy(types);
    ingress = Lists.copy(ingress);
    egress = Lists.copy(egress);
  }

  /** Returns the tier's name, {@code default} when none is given. */
  public String effectiveTier() {
    return tier == null || tier.isEmpty() ? "default" : tier;
  }

  /** Tells whether ingress is policed, with upstream's default for empty types. */
  public boolean appliesToIngress() {
    return types.isEmpty() ? !ingress.isEmpty() || egress.isEmpty() : types.contains("Ingress");
  }

  /** Tells whether egress is policed, with upstream's default for empty types. */
  public boolean appliesToEgress() {
    return types.isEmpty() ? !egress.isEmpty() : types.contains("Egress");
  }
}
