package io.calico4j.felix.calculation;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.TierSpec;
import io.calico4j.core.selector.LabelIndex;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedTier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which policies apply to which endpoint of this node, tier by tier, in the order of their
 * evaluation. Kept up to date by a label index; a change makes only those endpoints dirty that it
 * concerns.
 */
final class PolicyResolver {
  private static final Comparator<Known> BY_ORDER =
      Comparator.comparingDouble(Known::order).thenComparing(Known::tie).thenComparing(Known::key);

  /**
   * A policy.
   *
   * @param key its key in the datastore
   * @param order ascending; a policy without one comes last
   * @param tie decides between policies of the same order, as upstream does
   */
  private record Known(String key, Resource<PolicySpec> policy, double order, String tie) {
    static Known of(String key, Resource<PolicySpec> policy) {
      return new Known(
          key,
          policy,
          PolicyResolver.order(policy.spec().order()),
          policy.metadata().name()
              + "/"
              + Objects.toString(policy.metadata().namespace(), "")
              + "/"
              + policy.kind().kind());
    }

    PolicySpec spec() {
      return policy.spec();
    }
  }

  private final Map<String, Known> policies = new HashMap<>();
  private final Map<String, ClosingPolicy> closing = new HashMap<>();
  private final Map<String, Resource<TierSpec>> tiers = new HashMap<>();
  private final Map<String, Integer> endpointsByPolicy = new HashMap<>();
  private final Set<String> endpoints = new HashSet<>();
  private final Set<String> dirty = new LinkedHashSet<>();

  /** Policies that began or ended to apply to anything, or whose rules have changed. */
  private final Set<String> changedPolicies = new LinkedHashSet<>();

  private final LabelIndex<String, String> index = newIndex();

  /** The same for this node's host endpoints: other policies select them. */
  private final LabelIndex<String, String> hostIndex = newIndex();

  /** Where a policy is evaluated; workloads have only the first. */
  enum Place {
    /** What is for the endpoint itself. */
    NORMAL,
    /** What is forwarded through a host endpoint. */
    FORWARD,
    /** Before connection tracking, at a host endpoint. */
    UNTRACKED,
    /** Before the translation of destinations, at a host endpoint. */
    PRE_DNAT;

    boolean has(PolicySpec spec) {
      boolean untracked = Boolean.TRUE.equals(spec.doNotTrack());
      boolean preDnat = !untracked && Boolean.TRUE.equals(spec.preDNAT());
      return switch (this) {
        case NORMAL -> !untracked && !preDnat;
        case FORWARD -> !untracked && !preDnat && Boolean.TRUE.equals(spec.applyOnForward());
        case UNTRACKED -> untracked;
        case PRE_DNAT -> preDnat;
      };
    }
  }

  private LabelIndex<String, String> newIndex() {
    return new LabelIndex<>(
        new LabelIndex.Listener<>() {
          @Override
          public void onMatch(String policy, String endpoint) {
            dirty.add(endpoint);
            if (endpointsByPolicy.merge(policy, 1, Integer::sum) == 1) {
              changedPolicies.add(policy);
            }
          }

          @Override
          public void onUnmatch(String policy, String endpoint) {
            dirty.add(endpoint);
            if (endpointsByPolicy.computeIfPresent(policy, (p, n) -> n == 1 ? null : n - 1)
                == null) {
              changedPolicies.add(policy);
            }
          }
        });
  }

  private static double order(@Nullable Double order) {
    return order == null ? Double.POSITIVE_INFINITY : order;
  }

  /** Puts an endpoint of this node, or changes it. */
  void putEndpoint(String key, Map<String, String> labels, List<String> profiles) {
    endpoints.add(key);
    dirty.add(key);
    index.putItem(key, labels, profiles);
  }

  /** Puts a host endpoint that is in force on this node, or changes it. */
  void putHostEndpoint(String key, Map<String, String> labels, List<String> profiles) {
    endpoints.add(key);
    dirty.add(key);
    hostIndex.putItem(key, labels, profiles);
  }

  /** Removes an endpoint of either kind; one that is not there is fine. */
  void removeEndpoint(String key) {
    indexOf(key).removeItem(key);
    endpoints.remove(key);
    dirty.remove(key);
  }

  /** Gives a profile the labels that its endpoints inherit; none remove it. */
  void putProfile(String name, Map<String, String> labels) {
    index.putParent(name, labels);
    hostIndex.putParent(name, labels);
  }

  /** Returns the own and inherited labels of a workload endpoint of this node. */
  Map<String, String> labelsOf(String key) {
    return index.labelsOf(key);
  }

  /** Makes an endpoint of this node dirty. */
  void touch(String key) {
    if (endpoints.contains(key)) {
      dirty.add(key);
    }
  }

  /**
   * Puts a policy, or changes it.
   *
   * @throws IllegalArgumentException when its selectors cannot be read; then nothing has changed
   */
  void putPolicy(String key, Resource<PolicySpec> policy) {
    Selector selector = selectorOf(policy);
    boolean wasClosing = closing.remove(key) != null;
    Known before = policies.put(key, Known.of(key, policy));
    put(
        key,
        Place.NORMAL.has(policy.spec()) ? selector : null,
        policy.kind().equals(ResourceKind.NETWORK_POLICY) ? null : selector,
        wasClosing || before == null || !hasSamePlace(before.spec(), policy.spec()));
  }

  private static boolean hasSamePlace(PolicySpec before, PolicySpec after) {
    return Arrays.stream(Place.values()).allMatch(place -> place.has(before) == place.has(after))
        && before.effectiveTier().equals(after.effectiveTier())
        && Objects.equals(before.order(), after.order())
        && before.appliesToIngress() == after.appliesToIngress()
        && before.appliesToEgress() == after.appliesToEgress();
  }

  /** Puts what a damaged policy closes, in its place. */
  void putClosing(String key, ClosingPolicy policy) {
    policies.remove(key);
    closing.put(key, policy);
    put(
        key,
        policy.endpoints(),
        key.startsWith(ResourceKind.NETWORK_POLICY.prefix()) ? null : policy.endpoints(),
        true);
  }

  /** Removes a policy; one that is not there is fine. */
  void removePolicy(String key) {
    policies.remove(key);
    closing.remove(key);
    put(key, null, null, false);
  }

  private void put(
      String key, @Nullable Selector workloads, @Nullable Selector hosts, boolean hasMoved) {
    put(index, key, workloads);
    put(hostIndex, key, hosts);
    changedPolicies.add(key);
    if (hasMoved) {
      dirty.addAll(index.membersOf(key));
      dirty.addAll(hostIndex.membersOf(key));
    }
  }

  private static void put(
      LabelIndex<String, String> index, String key, @Nullable Selector selector) {
    if (selector == null) {
      index.removeSelector(key);
    } else {
      index.putSelector(key, selector);
    }
  }

  private LabelIndex<String, String> indexOf(String endpoint) {
    return endpoint.startsWith(ResourceKind.HOST_ENDPOINT.prefix()) ? hostIndex : index;
  }

  /** Puts a tier, or removes it (null). */
  void putTier(String name, @Nullable Resource<TierSpec> tier) {
    Resource<TierSpec> before = tier == null ? tiers.remove(name) : tiers.put(name, tier);
    if (before != null || tier != null) {
      dirty.addAll(endpoints);
    }
  }

  /** Returns how many policies apply to any endpoint of this node. */
  int activePolicies() {
    return endpointsByPolicy.size();
  }

  /** Returns how many policies there are, damaged ones included. */
  int policies() {
    return policies.size() + closing.size();
  }

  /** Returns how many tiers there are. */
  int tiers() {
    return tiers.size();
  }

  /** Returns a policy that applies to an endpoint of this node; null when there is none. */
  @Nullable Resource<PolicySpec> active(String key) {
    Known known = endpointsByPolicy.containsKey(key) ? policies.get(key) : null;
    return known == null ? null : known.policy();
  }

  /** Returns the policies whose rules may have to be looked at, and forgets them. */
  Set<String> takeChangedPolicies() {
    Set<String> taken = new LinkedHashSet<>(changedPolicies);
    changedPolicies.clear();
    return taken;
  }

  /** Returns the endpoints for which something else may apply, and forgets them. */
  Set<String> takeDirty() {
    Set<String> taken = new LinkedHashSet<>(dirty);
    dirty.clear();
    return taken;
  }

  /** Returns the tiers that have something to say about an endpoint in one place and direction. */
  List<AppliedTier> tiers(String endpoint, Place place, boolean ingress) {
    List<Known> applying = new ArrayList<>();
    for (String key : indexOf(endpoint).selectorsOf(endpoint)) {
      Known policy = policies.get(key);
      if (policy != null
          && place.has(policy.spec())
          && (ingress ? policy.spec().appliesToIngress() : policy.spec().appliesToEgress())) {
        applying.add(policy);
      }
    }
    applying.sort(BY_ORDER);
    Map<String, List<String>> byTier = new LinkedHashMap<>();
    for (Known one : applying) {
      byTier.computeIfAbsent(one.spec().effectiveTier(), t -> new ArrayList<>()).add(one.key());
    }
    return byTier.entrySet().stream()
        .sorted(Map.Entry.comparingByKey(this::compareTiers))
        .map(tier -> new AppliedTier(tier.getKey(), passesAtEnd(tier.getKey()), tier.getValue()))
        .toList();
  }

  private int compareTiers(String one, String other) {
    return Comparator.<String>comparingInt(name -> isKnown(name) ? 0 : 1)
        .thenComparingDouble(this::tierOrder)
        .thenComparing(Comparator.naturalOrder())
        .compare(one, other);
  }

  private boolean passesAtEnd(String name) {
    Resource<TierSpec> tier = tiers.get(name);
    return tier != null && "Pass".equals(tier.spec().defaultAction());
  }

  private boolean isKnown(String tier) {
    return tier.equals("default") || tiers.containsKey(tier);
  }

  private double tierOrder(String name) {
    Resource<TierSpec> tier = tiers.get(name);
    return tier != null
        ? order(tier.spec().order())
        : name.equals("default") ? 1_000_000 : Double.POSITIVE_INFINITY;
  }

  /** Tells whether a damaged policy closes an endpoint in a place and direction. */
  boolean isClosed(String endpoint, Place place, boolean ingress) {
    if (closing.isEmpty()) {
      return false;
    }
    for (String key : indexOf(endpoint).selectorsOf(endpoint)) {
      ClosingPolicy policy = closing.get(key);
      if (policy != null
          && (place != Place.FORWARD || policy.forward())
          && (ingress ? policy.ingress() : policy.egress())) {
        return true;
      }
    }
    return false;
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
