package io.calico4j.felix.calculation;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.selector.Selector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds which policies apply to an endpoint, tier by tier, in the order of their evaluation. */
public final class PolicyResolver {
  private static final Comparator<Resource<PolicySpec>> BY_ORDER =
      Comparator.<Resource<PolicySpec>>comparingDouble(p -> order(p.spec().order()))
          .thenComparing(
              p ->
                  p.metadata().name()
                      + "/"
                      + Objects.toString(p.metadata().namespace(), "")
                      + "/"
                      + p.kind().kind());

  private final ClusterState state;

  /** Makes a resolver for a state. */
  public PolicyResolver(ClusterState state) {
    this.state = state;
  }

  /**
   * A tier with the policies of one direction that apply to an endpoint.
   *
   * @param name the tier's name
   * @param passAtEnd whether a packet no policy decided goes on, instead of being dropped
   * @param policies in order, at least one
   */
  public record AppliedTier(String name, boolean passAtEnd, List<Resource<PolicySpec>> policies) {}

  private static double order(@Nullable Double order) {
    return order == null ? Double.POSITIVE_INFINITY : order;
  }

  /** Returns the tiers that have something to say about the labels in one direction. */
  public List<AppliedTier> tiers(Map<String, String> labels, boolean ingress) {
    Map<String, List<Resource<PolicySpec>>> byTier = new TreeMap<>();
    for (Resource<PolicySpec> policy : state.policies().values()) {
      PolicySpec spec = policy.spec();
      boolean directed = ingress ? spec.appliesToIngress() : spec.appliesToEgress();
      if (directed && isForWorkloads(spec) && selectorOf(policy).matches(labels)) {
        byTier.computeIfAbsent(spec.effectiveTier(), t -> new ArrayList<>()).add(policy);
      }
    }
    List<String> names = new ArrayList<>(byTier.keySet());
    names.sort(
        Comparator.<String>comparingInt(n -> isKnown(n) ? 0 : 1)
            .thenComparingDouble(this::tierOrder)
            .thenComparing(n -> n));
    List<AppliedTier> tiers = new ArrayList<>();
    for (String name : names) {
      var tier = state.tiers().get(name);
      List<Resource<PolicySpec>> policies = new ArrayList<>(byTier.get(name));
      policies.sort(BY_ORDER);
      tiers.add(
          new AppliedTier(
              name, tier != null && "Pass".equals(tier.spec().defaultAction()), policies));
    }
    return tiers;
  }

  private boolean isKnown(String tier) {
    return tier.equals("default") || state.tiers().containsKey(tier);
  }

  private double tierOrder(String name) {
    var tier = state.tiers().get(name);
    return tier != null
        ? order(tier.spec().order())
        : name.equals("default") ? 1_000_000 : Double.POSITIVE_INFINITY;
  }

  private static boolean isForWorkloads(PolicySpec spec) {
    return !Boolean.TRUE.equals(spec.doNotTrack()) && !Boolean.TRUE.equals(spec.preDNAT());
  }

  /** Tells whether a damaged policy closes an endpoint with these labels in a direction. */
  public boolean isClosed(Map<String, String> labels, boolean ingress) {
    return state.closing().values().stream()
        .anyMatch(
            policy ->
                (ingress ? policy.ingress() : policy.egress())
                    && policy.endpoints().matches(labels));
  }

  /**
   * Returns the selector of the endpoints a policy applies to.
   *
   * @throws IllegalArgumentException when one of its selectors cannot be read
   */
  static Selector selectorOf(Resource<? extends PolicySpec> policy) {
    PolicySpec spec = policy.spec();
    Selector selector = parse(spec.selector());
    if (policy.kind().equals(ResourceKind.NETWORK_POLICY)) {
      selector = selector.and(Selectors.inNamespace(policy));
    } else if (spec.namespaceSelector() != null && !spec.namespaceSelector().isEmpty()) {
      selector = Selectors.ofNamespaces(spec.namespaceSelector()).and(selector);
    }
    String accounts = spec.serviceAccountSelector();
    return accounts == null || accounts.isEmpty()
        ? selector
        : selector.and(Selector.parse(accounts).prefixed("pcsa."));
  }

  private static Selector parse(@Nullable String text) {
    return text == null ? Selector.all() : Selector.parse(text);
  }
}
