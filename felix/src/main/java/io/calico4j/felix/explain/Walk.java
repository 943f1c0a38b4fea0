package io.calico4j.felix.explain;

import io.calico4j.felix.calculation.DataplaneUpdate.AppliedRules;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointUpdate;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.explain.PolicyTrace.Decision;
import io.calico4j.felix.explain.Step.Effect;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The way of one packet through the table {@code inet calico}, base chain by base chain. */
final class Walk {
  private static final String FROM_WORKLOAD = "egress from";
  private static final String TO_WORKLOAD = "ingress to";

  private final PolicyTrace policies;
  private final FelixConfig config;
  private final Failsafe failsafe;
  private final End in;
  private final End out;
  private final Packet packet;
  private final List<Step> steps;
  private final String prefix;

  /** The bit of the mark that says that untracked or pre-DNAT policy has allowed the packet. */
  private boolean early;

  private boolean untracked;

  /** Whether connection tracking calls it invalid, and the chains that look for that drop it. */
  private boolean invalid;

  /**
   * An end of the way.
   *
   * @param end what it is
   * @param host the host endpoint of its interface; null for none
   */
  record End(PacketEnd end, @Nullable HostEndpointUpdate host) {
    boolean isNode() {
      return end instanceof PacketEnd.Node;
    }

    boolean isOutside() {
      return end instanceof PacketEnd.Outside;
    }

    @Nullable String workload() {
      return end instanceof PacketEnd.Workload workload ? workload.endpoint() : null;
    }
  }

  Walk(PolicyTrace policies, FelixConfig config, End in, End out, Packet packet, List<Step> steps) {
    this(policies, config, in, out, packet, steps, "");
  }

  private Walk(
      PolicyTrace policies,
      FelixConfig config,
      End in,
      End out,
      Packet packet,
      List<Step> steps,
      String prefix) {
    this.policies = policies;
    this.config = config;
    this.in = in;
    this.out = out;
    this.packet = packet;
    this.steps = steps;
    this.prefix = prefix;
    failsafe = new Failsafe(config.failsafeInbound(), config.failsafeOutbound());
  }

  /** Tells whether the node has the workloads. */
  boolean isKnown() {
    for (End end : List.of(in, out)) {
      String workload = end.workload();
      if (workload != null && policies.follow(workload, true, packet).isEmpty()) {
        return false;
      }
    }
    return true;
  }

  /** Follows the packet. */
  boolean passes() {
    return untrackedPasses() && laterPasses();
  }

  /**
   * Follows the answer. Untracked policy is always asked; what comes after it knows the answer of a
   * packet that was tracked, and lets it pass, unless untracked policy has allowed the answer.
   */
  boolean answerPasses() {
    List<Step> own = new ArrayList<>();
    Walk answer = new Walk(policies, config, out, in, packet.answer(), own, "answer, ");
    boolean passes = answer.untrackedPasses();
    boolean isUnknown = untracked || answer.untracked;
    if (passes && isUnknown) {
      answer.invalid =
          !answer.untracked && config.checks().dropInvalid() && !answer.packet.begins();
      passes = answer.laterPasses();
    }
    if (isUnknown || !passes) {
      steps.addAll(own);
    }
    return passes;
  }

  /** What raw-PREROUTING and raw-OUTPUT ask. */
  private boolean untrackedPasses() {
    if (in.isOutside()) {
      return untrackedPasses(in.host(), true);
    }
    return !in.isNode() || !out.isOutside() || untrackedPasses(out.host(), false);
  }

  private boolean untrackedPasses(@Nullable HostEndpointUpdate host, boolean ingress) {
    if (host == null) {
      return true;
    }
    AppliedRules applied = ingress ? host.untracked().ingress() : host.untracked().egress();
    boolean passes =
        earlyPasses(
            host,
            "untracked " + (ingress ? "ingress to" : "egress from"),
            applied,
            ingress,
            failsafe.untracked(ingress, packet));
    untracked = early;
    return passes;
  }

  private boolean earlyPasses(
      HostEndpointUpdate host,
      String place,
      AppliedRules applied,
      boolean ingress,
      Optional<String> safe) {
    if (applied.closed() || applied.tiers().isEmpty()) {
      return true;
    }
    String of = PolicyTrace.name(host.key());
    if (safe.isPresent()) {
      return goOn(place, of, safe.get(), List.of());
    }
    List<String> passedOver = new ArrayList<>();
    Decision decision = policies.tiers(applied, ingress, packet, false, passedOver);
    if (decision == null) {
      return goOn(place, of, "no rule decides", passedOver);
    }
    early = decision.allowed();
    return add(place, of, decision);
  }

  /** What is asked after connection tracking. */
  private boolean laterPasses() {
    HostEndpointUpdate host = in.host();
    if (!in.isNode() && host != null && !early) {
      String place = "pre-DNAT ingress to";
      if (invalid && !host.preDnat().closed() && !host.preDnat().tiers().isEmpty()) {
        return denyInvalid(place, PolicyTrace.name(host.key()));
      }
      if (!earlyPasses(host, place, host.preDnat(), true, failsafe.port(true, packet))) {
        return false;
      }
    }
    return out.isNode() ? inputPasses() : in.isNode() ? outputPasses() : forwardPasses();
  }

  /** What filter-INPUT asks. */
  private boolean inputPasses() {
    String workload = in.workload();
    if (workload != null) {
      if (!workloadPasses(workload, false)) {
        return false;
      }
      String action = config.endpointToHostAction();
      String words = "DefaultEndpointToHostAction " + action;
      if (action.equals("DROP")) {
        return deny("ingress from workloads to", "their node", words);
      }
      if (action.equals("ACCEPT")) {
        return allow("ingress from workloads to", "their node", words);
      }
    }
    return early || normalPasses(in.host(), true);
  }

  /** What filter-OUTPUT asks. */
  private boolean outputPasses() {
    if (out.workload() != null) {
      return allow("egress to workloads from", "their node", "no policy: it may always");
    }
    return early || normalPasses(out.host(), false);
  }

  /** What filter-FORWARD asks. */
  private boolean forwardPasses() {
    if (!early && !forwardPasses(in.host(), true)) {
      return false;
    }
    String from = in.workload();
    String to = out.workload();
    return (from == null || workloadPasses(from, false))
        && (to == null || workloadPasses(to, true))
        && forwardPasses(out.host(), false);
  }

  private boolean workloadPasses(String workload, boolean ingress) {
    String place = ingress ? TO_WORKLOAD : FROM_WORKLOAD;
    String of = PolicyTrace.name(workload);
    if (invalid) {
      return denyInvalid(place, of);
    }
    return policies
        .follow(workload, ingress, packet)
        .filter(decision -> add(place, of, decision))
        .isPresent();
  }

  private boolean normalPasses(@Nullable HostEndpointUpdate host, boolean ingress) {
    if (host == null) {
      return true;
    }
    String place = ingress ? "ingress to" : "egress from";
    String of = PolicyTrace.name(host.key());
    if (invalid) {
      return denyInvalid(place, of);
    }
    Optional<String> safe = failsafe.port(ingress, packet);
    if (safe.isPresent()) {
      return allow(place, of, safe.get());
    }
    AppliedRules applied = ingress ? host.normal().ingress() : host.normal().egress();
    if (applied.closed()) {
      return deny(place, of, "it or a policy that may select it is damaged");
    }
    List<String> passedOver = new ArrayList<>();
    Decision decision = policies.tiers(applied, ingress, packet, true, passedOver);
    return add(
        place,
        of,
        decision == null ? policies.profiles(applied, ingress, packet, passedOver) : decision);
  }

  private boolean forwardPasses(@Nullable HostEndpointUpdate host, boolean ingress) {
    if (host == null) {
      return true;
    }
    AppliedRules applied = ingress ? host.forward().ingress() : host.forward().egress();
    String place = ingress ? "forwarded ingress by" : "forwarded egress by";
    String of = PolicyTrace.name(host.key());
    if (applied.closed()) {
      return deny(place, of, "a policy that may select it is damaged");
    }
    if (applied.tiers().isEmpty()) {
      return goOn(place, of, "no policy with applyOnForward has a say", List.of());
    }
    if (invalid) {
      return denyInvalid(place, of);
    }
    List<String> passedOver = new ArrayList<>();
    Decision decision = policies.tiers(applied, ingress, packet, true, passedOver);
    return decision == null
        ? goOn(place, of, "every tier passes", passedOver)
        : add(place, of, decision);
  }

  private boolean allow(String place, String of, String reason) {
    return add(place, of, PolicyTrace.decision(true, reason, List.of()));
  }

  private boolean deny(String place, String of, String reason) {
    return add(place, of, PolicyTrace.decision(false, reason, List.of()));
  }

  private boolean denyInvalid(String place, String of) {
    return deny(
        place,
        of,
        "it is part of no known connection, because doNotTrack policy allowed what it answers");
  }

  private boolean goOn(String place, String of, String reason, List<String> passedOver) {
    steps.add(
        new Step(
            prefix + place, of, Effect.GOES_ON, PolicyTrace.decision(true, reason, passedOver)));
    return true;
  }

  private boolean add(String place, String of, Decision decision) {
    steps.add(
        new Step(
            prefix + place, of, decision.allowed() ? Effect.ALLOWED : Effect.DENIED, decision));
    return decision.allowed();
  }
}
