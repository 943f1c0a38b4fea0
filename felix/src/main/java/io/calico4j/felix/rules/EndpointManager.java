package io.calico4j.felix.rules;

import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedRules;
import io.calico4j.felix.calculation.DataplaneUpdate.AppliedTier;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointUpdate;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints of this node: one chain for all endpoints to which the same policies and profiles apply
 * in the same order, by direction; verdicts by interface; the sources that they may send from
 * besides their own addresses; floating addresses.
 */
final class EndpointManager {
  static final String ALLOWED_SOURCES = "raw-cali-allowed-sources";
  static final String DNAT = "nat-cali-dnat";
  static final String SNAT = "nat-cali-snat";

  private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_.-]{1,15}");

  private final TableWriter table;
  private final DenialNames names;
  private DropRenderer drops;

  /** By key; only those whose interface has a name that can be one. */
  private final TreeMap<String, Endpoint> endpoints = new TreeMap<>();

  /** Keys of endpoints by interface: of several the last one's chains are in force. */
  private final Map<String, TreeMap<String, Endpoint>> byInterface = new HashMap<>();

  /** How many endpoints each chain is for. */
  private final Map<String, Integer> uses = new HashMap<>();

  /** Chains of this flush: the same applies to many endpoints. */
  private final Map<Applied, Chain> rendered = new HashMap<>();

  private record Applied(AppliedRules rules, boolean ingress) {}

  private record Chain(String name, List<String> rules) {}

  private record Endpoint(EndpointUpdate update, String from, String to) {
    String interfaceName() {
      return String.valueOf(update.endpoint().interfaceName());
    }
  }

  EndpointManager(TableWriter table, DenialNames names, DropRenderer drops) {
    this.table = table;
    this.names = names;
    this.drops = drops;
    putAddressChains();
  }

  /** Puts an endpoint, or changes it. */
  void update(EndpointUpdate update) {
    if (!isInterface(update.endpoint().interfaceName())) {
      remove(update.key());
      return;
    }
    Endpoint before = endpoints.get(update.key());
    Endpoint after =
        new Endpoint(
            update,
            retain(new Applied(update.egress(), false)),
            retain(new Applied(update.ingress(), true)));
    endpoints.put(update.key(), after);
    if (before != null && !before.interfaceName().equals(after.interfaceName())) {
      leaveInterface(before);
    }
    byInterface
        .computeIfAbsent(after.interfaceName(), name -> new TreeMap<>())
        .put(update.key(), after);
    putVerdicts(after.interfaceName());
    if (before != null) {
      release(before);
    }
    if (hasAddressRules(before) || hasAddressRules(after)) {
      putAddressChains();
    }
  }

  /** Renders the chains of all endpoints again, with other lines where policy drops. */
  void renderAll(DropRenderer changed) {
    drops = changed;
    rendered.clear();
    List.copyOf(endpoints.values()).forEach(endpoint -> update(endpoint.update()));
    rendered.clear();
  }

  /** Removes an endpoint; one that is not there is fine. */
  void remove(String key) {
    Endpoint before = endpoints.remove(key);
    if (before != null) {
      leaveInterface(before);
      release(before);
      if (hasAddressRules(before)) {
        putAddressChains();
      }
    }
  }

  /** Tells whether a text can be the name of an interface. */
  static boolean isInterface(@Nullable String name) {
    return name != null && INTERFACE.matcher(name).matches();
  }

  private void leaveInterface(Endpoint endpoint) {
    String name = endpoint.interfaceName();
    Map<String, Endpoint> sharing = byInterface.get(name);
    if (sharing != null) {
      sharing.remove(endpoint.update().key());
      if (sharing.isEmpty()) {
        byInterface.remove(name);
      }
    }
    putVerdicts(name);
  }

  private void putVerdicts(String name) {
    TreeMap<String, Endpoint> sharing = byInterface.get(name);
    if (sharing == null) {
      names.removeEndpoint(name);
      table.removeVerdict(Direction.FROM_WORKLOAD, name);
      table.removeVerdict(Direction.TO_WORKLOAD, name);
    } else {
      Endpoint last = sharing.lastEntry().getValue();
      names.putEndpoint(name, PolicyManager.name(last.update().key()));
      table.putVerdict(Direction.FROM_WORKLOAD, name, last.from());
      table.putVerdict(Direction.TO_WORKLOAD, name, last.to());
    }
  }

  /** Notes that all updates of a flush were taken: what was rendered for them is forgotten. */
  void flushed() {
    rendered.clear();
  }

  private String retain(Applied applied) {
    Chain chain = rendered.computeIfAbsent(applied, this::render);
    if (uses.merge(chain.name(), 1, Integer::sum) == 1) {
      table.putChain(chain.name(), chain.rules());
    }
    return chain.name();
  }

  /** Returns the chain of what applies, which is named by what is in it. */
  private Chain render(Applied applied) {
    List<String> rules = rules(applied.rules(), applied.ingress());
    String prefix = applied.ingress() ? "filter-cali-tw-" : "filter-cali-fw-";
    return new Chain(prefix + Digest.of(String.join("\n", rules)), rules);
  }

  private void release(Endpoint endpoint) {
    for (String chain : List.of(endpoint.from(), endpoint.to())) {
      if (uses.computeIfPresent(chain, (name, count) -> count == 1 ? null : count - 1) == null) {
        table.removeChain(chain);
      }
    }
  }

  private List<String> rules(AppliedRules applied, boolean ingress) {
    List<String> lines = new ArrayList<>();
    lines.add("jump " + (ingress ? HostManager.TO_CHECKS : HostManager.FROM_CHECKS));
    if (applied.closed()) {
      lines.addAll(drops.lines("", "a policy cannot be read", Denial.closed(ingress)));
      return lines;
    }
    String accepted = "meta mark and " + RuleRenderer.ACCEPT_BIT + " != 0 return";
    addTiers(lines, applied.tiers(), ingress, drops, accepted);
    addProfiles(lines, applied, ingress, drops, accepted);
    return lines;
  }

  /**
   * Evaluates tiers.
   *
   * @param drops how a tier that does not pass drops what it has not decided; null when it does not
   * @param accepted the line after a policy that may have accepted the packet
   */
  static void addTiers(
      List<String> lines,
      List<AppliedTier> tiers,
      boolean ingress,
      @Nullable DropRenderer drops,
      String accepted) {
    for (AppliedTier tier : tiers) {
      lines.add("meta mark set meta mark and 0xfffdffff");
      for (String policy : tier.policies()) {
        lines.add(
            "meta mark and "
                + RuleRenderer.PASS_BIT
                + " == 0 jump "
                + PolicyManager.chain(policy, ingress));
        lines.add(accepted);
      }
      if (drops != null && !tier.passAtEnd()) {
        String undecided = "meta mark and " + RuleRenderer.PASS_BIT + " == 0";
        lines.addAll(drops.lines(undecided, "", Denial.atEndOf(ingress, tier.name())));
      }
    }
  }

  /** Evaluates profiles; what none of them accepts is dropped. */
  static void addProfiles(
      List<String> lines,
      AppliedRules applied,
      boolean ingress,
      DropRenderer drops,
      String accepted) {
    for (String profile : applied.profiles()) {
      lines.add("jump " + PolicyManager.chain(profile, ingress));
      lines.add(accepted);
    }
    boolean missing = applied.profileMissing();
    lines.addAll(
        drops.lines(
            "", missing ? "a profile is missing" : "", Denial.afterProfiles(ingress, missing)));
  }

  private static boolean hasAddressRules(@Nullable Endpoint endpoint) {
    return endpoint != null
        && !(endpoint.update().floating().isEmpty()
            && endpoint.update().endpoint().allowSpoofedSourcePrefixes().isEmpty());
  }

  private void putAddressChains() {
    List<String> sources = new ArrayList<>();
    List<String> dnat = new ArrayList<>();
    List<String> snat = new ArrayList<>();
    for (Endpoint endpoint : endpoints.values()) {
      addAllowedSources(endpoint.update().endpoint(), sources);
      addFloating(endpoint.update(), dnat, snat);
    }
    table.putChain(ALLOWED_SOURCES, sources);
    table.putChain(DNAT, dnat);
    table.putChain(SNAT, snat);
  }

  /** Lets an endpoint send from networks that are not its own addresses. */
  private static void addAllowedSources(WorkloadEndpointSpec endpoint, List<String> rules) {
    for (String text : endpoint.allowSpoofedSourcePrefixes()) {
      Optional<Cidr> network = Cidr.tryParse(text);
      if (network.isPresent()) {
        rules.add(
            "iifname \""
                + endpoint.interfaceName()
                + "\" "
                + HostManager.match(network.get().family(), "saddr", network.get().toString())
                + " accept");
      }
    }
  }

  /**
   * Sends what comes from outside for a floating address to the endpoint, unless the address is one
   * of this host; what the endpoint sends to its own floating address comes back to it from there.
   */
  private static void addFloating(EndpointUpdate update, List<String> dnat, List<String> snat) {
    for (WorkloadEndpointSpec.IpNat nat : update.floating()) {
      IpAddress inside = IpAddress.parse(nat.internalIP());
      IpAddress outside = IpAddress.parse(nat.externalIP());
      IpFamily family = inside.family();
      String to = " " + HostManager.keyword(family) + " to ";
      if (dnat.isEmpty()) {
        dnat.add("fib daddr type local return");
      }
      dnat.add(HostManager.match(family, "daddr", outside.toString()) + " dnat" + to + inside);
      snat.add(
          HostManager.match(family, "saddr", inside.toString())
              + " "
              + HostManager.match(family, "daddr", inside.toString())
              + " snat"
              + to
              + outside);
    }
  }
}
