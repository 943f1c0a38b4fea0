package io.calico4j.felix.explain;

import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedRules;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedTier;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesUpdate;
import io.calico4j.felix.calculation.Member;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells what decides on a packet to or from an endpoint, from the first flush of the calculation of
 * the endpoint's node. Later flushes are not followed.
 */
public final class PolicyTrace {
  private final Map<String, RulesUpdate> rules = new HashMap<>();
  private final Map<String, EndpointUpdate> endpoints = new HashMap<>();
  private final Map<AddressSetId, AddressSetUpdate> sets = new HashMap<>();
  private final Map<AddressSetId, Set<Member>> members = new HashMap<>();

  /**
   * What happens to a packet.
   *
   * @param allowed whether it passes
   * @param reason what decided: a rule of a policy or profile, or the end of a tier, in words
   * @param owner the policy or profile whose rule decided; null for none
   * @param rule the number of the rule in its list, from 1; 0 for none
   * @param passedOver why the rules before it did not decide, in the order of evaluation
   */
  public record Decision(
      boolean allowed, String reason, @Nullable String owner, int rule, List<String> passedOver) {}

  private record Verdict(Rule.Action action, int rule, String words) {}

  /** Takes what a calculation says in its first flush. */
  public PolicyTrace(List<DataplaneUpdate> updates) {
    for (DataplaneUpdate update : updates) {
      if (update instanceof RulesUpdate owner) {
        rules.put(owner.key(), owner);
      } else if (update instanceof EndpointUpdate endpoint) {
        endpoints.put(endpoint.key(), endpoint);
      } else if (update instanceof AddressSetUpdate set) {
        sets.put(set.id(), set);
        members.put(set.id(), new HashSet<>(set.added()));
      }
    }
  }

  /**
   * Follows a packet.
   *
   * @param endpoint the endpoint's key in the datastore
   * @param ingress whether the packet is for the endpoint; else it is from it
   * @return empty when the node has no such endpoint
   */
  public Optional<Decision> follow(String endpoint, boolean ingress, Packet packet) {
    EndpointUpdate update = endpoints.get(endpoint);
    return update == null
        ? Optional.empty()
        : Optional.of(follow(ingress ? update.ingress() : update.egress(), ingress, packet));
  }

  private Decision follow(AppliedRules applied, boolean ingress, Packet packet) {
    List<String> passedOver = new ArrayList<>();
    if (applied.closed()) {
      return decision(false, "a damaged policy may select the endpoint", passedOver);
    }
    Decision decided = tiers(applied, ingress, packet, true, passedOver);
    return decided == null ? profiles(applied, ingress, packet, passedOver) : decided;
  }

  /**
   * Asks tiers.
   *
   * @param denies whether a tier that does not pass denies what it has not decided
   * @param passedOver where to add why rules did not decide
   * @return null where no tier decides
   */
  @Nullable Decision tiers(
      AppliedRules applied,
      boolean ingress,
      Packet packet,
      boolean denies,
      List<String> passedOver) {
    for (AppliedTier tier : applied.tiers()) {
      boolean passed = false;
      for (String policy : tier.policies()) {
        Verdict verdict =
            verdict(policy, ingress, packet, "tier " + tier.name() + ": ", passedOver);
        if (verdict != null && verdict.action() != Rule.Action.Pass) {
          return decision(policy, verdict, passedOver);
        }
        if (verdict != null) {
          passed = true;
          passedOver.add("tier " + tier.name() + ": " + verdict.words() + " passes to the next");
          break;
        }
      }
      if (!passed && denies && !tier.passAtEnd()) {
        return decision(
            false,
            "the end of tier " + tier.name() + ": policies of it apply, and none decided",
            passedOver);
      }
    }
    return null;
  }

  /** Asks the profiles; what none of them allows is denied. */
  Decision profiles(AppliedRules applied, boolean ingress, Packet packet, List<String> passedOver) {
    for (String profile : applied.profiles()) {
      Verdict verdict = verdict(profile, ingress, packet, "", passedOver);
      if (verdict != null && verdict.action() != Rule.Action.Pass) {
        return decision(profile, verdict, passedOver);
      }
    }
    return decision(
        false,
        applied.profileMissing() ? "a profile of the endpoint is missing" : "nothing allows it",
        passedOver);
  }

  static Decision decision(boolean allowed, String reason, List<String> passedOver) {
    return new Decision(allowed, reason, null, 0, List.copyOf(passedOver));
  }

  private static Decision decision(String key, Verdict verdict, List<String> passedOver) {
    return new Decision(
        verdict.action() == Rule.Action.Allow,
        verdict.words(),
        name(key),
        verdict.rule(),
        List.copyOf(passedOver));
  }

  static String name(String key) {
    return ResourceKey.parse(key).map(ResourceKey::toString).orElse(key);
  }

  /** Returns what a policy or profile decides; null for nothing. */
  private @Nullable Verdict verdict(
      String key, boolean ingress, Packet packet, String where, List<String> passedOver) {
    RulesUpdate owner = rules.get(key);
    if (owner == null) {
      return null;
    }
    List<Rule> list = ingress ? owner.ingress() : owner.egress();
    if (list.isEmpty()) {
      passedOver.add(where + name(key) + " has no " + direction(ingress) + " rules");
    }
    for (int i = 0; i < list.size(); i++) {
      Rule rule = list.get(i);
      String words = name(key) + ", " + direction(ingress) + " rule " + (i + 1);
      try {
        Optional<String> whyNot = RuleMatch.whyNot(new Sets(), owner.owner(), rule, packet);
        if (whyNot.isPresent()) {
          passedOver.add(where + words + " (" + rule.action() + "): " + whyNot.get());
        } else if (rule.action() != Rule.Action.Log) {
          return new Verdict(rule.action(), i + 1, words);
        }
      } catch (IllegalArgumentException e) {
        return new Verdict(
            Rule.Action.Deny, i + 1, words + ", which cannot be enforced: " + e.getMessage());
      }
    }
    return null;
  }

  private static String direction(boolean ingress) {
    return ingress ? "ingress" : "egress";
  }

  private final class Sets implements RuleMatch.AddressSets {
    @Override
    public boolean contains(AddressSetId id, Member member) {
      Set<Member> known = members.getOrDefault(id, Set.of());
      if (known.contains(member) || !(member instanceof Member.Network wanted)) {
        return known.contains(member);
      }
      Cidr cidr = wanted.cidr();
      return known.stream()
          .anyMatch(m -> m instanceof Member.Network network && network.cidr().contains(cidr));
    }

    @Override
    public boolean mayLackMembers(Selector selector) {
      AddressSetUpdate set = sets.get(new AddressSetId.Selected(selector));
      return set != null && set.incomplete();
    }
  }
}
