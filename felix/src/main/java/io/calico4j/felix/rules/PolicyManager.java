package io.calico4j.felix.rules;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesUpdate;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The rules of policies and profiles as chains: one for each direction. */
final class PolicyManager {
  private final TableWriter table;
  private final DenialNames names;
  private final RuleCounters counters;
  private final Map<String, RulesUpdate> owners = new HashMap<>();

  PolicyManager(TableWriter table, DenialNames names, RuleCounters counters) {
    this.table = table;
    this.names = names;
    this.counters = counters;
  }

  /** Returns the name of the chain of a policy or profile. */
  static String chain(String key, boolean ingress) {
    boolean profile = key.startsWith(ResourceKind.PROFILE.prefix());
    return "filter-cali-p" + (profile ? "r" : "") + (ingress ? "i-" : "o-") + Digest.of(key);
  }

  /** Puts the chains of a policy or profile. */
  void update(RulesUpdate update, RuleRenderer renderer) {
    owners.put(update.key(), update);
    names.put(update.key(), name(update.key()));
    render(update, renderer);
  }

  /** Renders those chains again that ask for one of these sets. */
  void renderAsking(Set<AddressSetId> sets, RuleRenderer renderer) {
    for (RulesUpdate update : owners.values()) {
      if (!Collections.disjoint(update.asked(), sets)) {
        render(update, renderer);
      }
    }
  }

  /** Renders all chains again. */
  void renderAll(RuleRenderer renderer) {
    owners.values().forEach(update -> render(update, renderer));
  }

  private void render(RulesUpdate update, RuleRenderer renderer) {
    put(update, true, renderer);
    put(update, false, renderer);
  }

  private void put(RulesUpdate update, boolean ingress, RuleRenderer renderer) {
    String key = update.key();
    String chain = chain(key, ingress);
    Resource<?> owner = update.owner();
    List<RuleLine> lines =
        renderer.render(key, owner, ingress, ingress ? update.ingress() : update.egress());
    table.putChain(chain, lines.stream().map(RuleLine::text).toList());
    if (renderer.counts()) {
      counters.put(chain, owner, name(key), ingress, lines);
    }
  }

  /** Removes the chains of a policy or profile. */
  void remove(String key) {
    if (owners.remove(key) != null) {
      names.remove(key);
      for (boolean ingress : new boolean[] {true, false}) {
        table.removeChain(chain(key, ingress));
        counters.remove(chain(key, ingress));
      }
    }
  }

  /** Returns whose rules are in a chain: a policy or a profile; else the chain's name. */
  String ownerOf(String chain) {
    for (String key : owners.keySet()) {
      if (chain.equals(chain(key, true)) || chain.equals(chain(key, false))) {
        return name(key);
      }
    }
    return chain;
  }

  /** Returns a resource's key as {@code Kind(namespace/name)}. */
  static String name(String key) {
    return ResourceKey.parse(key).map(ResourceKey::toString).orElse(key);
  }
}
