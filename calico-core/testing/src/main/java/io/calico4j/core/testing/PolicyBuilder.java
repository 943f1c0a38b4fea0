package io.calico4j.core.testing;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes a GlobalNetworkPolicy. */
public final class PolicyBuilder {
  private final String name;
  private @Nullable String tier;
  private @Nullable String selector;
  private List<String> types = List.of();
  private List<Rule> ingress = List.of();
  private @Nullable Boolean untracked;
  private @Nullable Boolean preDnat;
  private @Nullable Boolean onForward;

  PolicyBuilder(String name) {
    this.name = name;
  }

  /** Puts it into a tier. */
  public PolicyBuilder tier(String newTier) {
    tier = newTier;
    return this;
  }

  /** Sets which endpoints it applies to. */
  public PolicyBuilder selecting(String newSelector) {
    selector = newSelector;
    return this;
  }

  /** Sets its directions. */
  public PolicyBuilder types(String... newTypes) {
    types = List.of(newTypes);
    return this;
  }

  /** Sets the rules for what comes to the endpoint. */
  public PolicyBuilder ingress(RuleBuilder... rules) {
    ingress = Stream.of(rules).map(RuleBuilder::build).toList();
    return this;
  }

  /** Applies it to forwarded traffic of host endpoints too. */
  public PolicyBuilder onForward() {
    onForward = true;
    return this;
  }

  /** Applies it to forwarded traffic too, before connection tracking. */
  public PolicyBuilder untracked() {
    untracked = true;
    return onForward();
  }

  /** Applies it to forwarded traffic too, before destinations are translated. */
  public PolicyBuilder preDnat() {
    preDnat = true;
    return onForward();
  }

  /** Returns the policy. */
  public Resource<PolicySpec> build() {
    return Resource.create(
        ResourceKind.GLOBAL_NETWORK_POLICY,
        Metadata.named(null, name),
        new PolicySpec(
            tier, null, selector, null, null, types, ingress, List.of(), untracked, preDnat,
            onForward));
  }
}
