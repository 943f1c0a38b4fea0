package io.calico4j.felix.rules;

import io.calico4j.felix.calculation.DataplaneUpdate.AppliedRules;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointUpdate;
import io.calico4j.felix.config.FailsafePort;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Host endpoints of this node: for each place where the kernel asks, a chain for all endpoints to
 * which the same applies there, and verdicts by interface. The endpoint of {@code *} is asked by
 * the chain that follows a map without a verdict, so that an interface with an endpoint of its own
 * never reaches it.
 */
final class HostEndpointManager {
  /** In the mark: untracked or pre-DNAT policy has accepted the packet. */
  static final String ACCEPTED_EARLY = "0x00040000";

  static final String FAILSAFE_IN = "filter-cali-failsafe-in";
  static final String FAILSAFE_OUT = "filter-cali-failsafe-out";
  static final String RAW_FAILSAFE_IN = "raw-cali-failsafe-in";
  static final String RAW_FAILSAFE_OUT = "raw-cali-failsafe-out";

  /** Drops what belongs to no connection and begins none, unless a parameter says otherwise. */
  static final String INVALID = "filter-cali-hep-invalid";

  private static final String ANY = "*";
  private static final String ACCEPTED = "meta mark and " + RuleRenderer.ACCEPT_BIT + " != 0 ";
  private static final String REMEMBER = "meta mark set meta mark or " + ACCEPTED_EARLY + " ";
  private static final String CLEAR = "meta mark set meta mark and 0xfffcffff";

  /** What IPv6 needs as IPv4 needs ARP, which no chain sees. */
  private static final String NEIGHBOURS =
      "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit,"
          + " nd-neighbor-advert } accept";

  private final TableWriter table;
  private final DenialNames names;
  private DropRenderer drops;

  /** By key: the interfaces, and the chains. */
  private final Map<String, Endpoint> endpoints = new HashMap<>();

  /** Whose chains are in force for an interface. */
  private final Map<String, String> owners = new HashMap<>();

  /** How many endpoints each chain is for. */
  private final Map<String, Integer> uses = new HashMap<>();

  private record Endpoint(
      HostEndpointUpdate update, SortedSet<String> interfaces, Map<Place, String> chains) {}

  /** Where the kernel asks. */
  private enum Place {
    FROM("filter-cali-fh-", Direction.FROM_HOST, "filter-cali-from-hep-any"),
    TO("filter-cali-th-", Direction.TO_HOST, "filter-cali-to-hep-any"),
    FROM_FORWARD(
        "filter-cali-fhfw-", Direction.FROM_HOST_FORWARD, "filter-cali-from-hep-forward-any"),
    TO_FORWARD("filter-cali-thfw-", Direction.TO_HOST_FORWARD, "filter-cali-to-hep-forward-any"),
    FROM_UNTRACKED("raw-cali-fh-", Direction.FROM_HOST_UNTRACKED, "raw-cali-from-hep-any"),
    TO_UNTRACKED("raw-cali-th-", Direction.TO_HOST_UNTRACKED, "raw-cali-to-hep-any"),
    PRE_DNAT("mangle-cali-fh-", Direction.FROM_HOST_PRE_DNAT, "mangle-cali-from-hep-any");

    private final String prefix;
    private final Direction direction;
    private final String anyChain;

    Place(String prefix, Direction direction, String anyChain) {
      this.prefix = prefix;
      this.direction = direction;
      this.anyChain = anyChain;
    }
  }

  HostEndpointManager(TableWriter table, DenialNames names, DropRenderer drops) {
    this.table = table;
    this.names = names;
    this.drops = drops;
    for (Place place : Place.values()) {
      table.putChain(place.anyChain, List.of());
    }
  }

  /** Puts the ports that stay open, to the host and from it. */
  void putFailsafePorts(List<FailsafePort> inbound, List<FailsafePort> outbound) {
    List<String> in = accepting("saddr", "dport", inbound);
    List<String> out = accepting("daddr", "dport", outbound);
    table.putChain(FAILSAFE_IN, with(List.of(NEIGHBOURS), in));
    table.putChain(FAILSAFE_OUT, with(List.of(NEIGHBOURS), out));
    // Before connection tracking an answer is told by its source port alone.
    table.putChain(
        RAW_FAILSAFE_IN,
        with(with(List.of(NEIGHBOURS), in), accepting("saddr", "sport", outbound)));
    table.putChain(
        RAW_FAILSAFE_OUT,
        with(with(List.of(NEIGHBOURS), out), accepting("daddr", "sport", inbound)));
  }

  /** Puts whether packets are dropped that belong to no connection and begin none. */
  void putInvalidCheck(boolean drops) {
    table.putChain(INVALID, drops ? List.of("ct state invalid drop") : List.of());
  }

  private static List<String> with(List<String> first, List<String> then) {
    List<String> both = new ArrayList<>(first);
    both.addAll(then);
    return both;
  }

  /** Accepts ports: a line for each protocol and network. */
  private static List<String> accepting(String address, String side, List<FailsafePort> ports) {
    Map<String, SortedSet<Integer>> byMatch = new TreeMap<>();
    for (FailsafePort port : ports) {
      String match =
          port.network() == null
              ? ""
              : HostManager.match(port.network().family(), address, port.network().toString())
                  + " ";
      byMatch
          .computeIfAbsent(match + port.protocol() + " " + side, m -> new TreeSet<>())
          .add(port.port());
    }
    List<String> lines = new ArrayList<>();
    byMatch.forEach(
        (match, numbers) ->
            lines.add(
                match
                    + " { "
                    + String.join(", ", numbers.stream().map(String::valueOf).toList())
                    + " } accept"));
    return lines;
  }

  /** Puts an endpoint, or changes it. */
  void update(HostEndpointUpdate update) {
    Map<Place, String> chains = new EnumMap<>(Place.class);
    chain(chains, Place.FROM, normal(update.normal().ingress(), true));
    chain(chains, Place.TO, normal(update.normal().egress(), false));
    chain(chains, Place.FROM_FORWARD, forward(update.forward().ingress(), true));
    chain(chains, Place.TO_FORWARD, forward(update.forward().egress(), false));
    chain(chains, Place.FROM_UNTRACKED, untracked(update.untracked().ingress(), true));
    chain(chains, Place.TO_UNTRACKED, untracked(update.untracked().egress(), false));
    chain(chains, Place.PRE_DNAT, preDnat(update.preDnat()));
    SortedSet<String> interfaces = new TreeSet<>(update.interfaces());
    interfaces.removeIf(name -> !name.equals(ANY) && !EndpointManager.isInterface(name));
    Endpoint before = endpoints.put(update.key(), new Endpoint(update, interfaces, chains));
    for (String name : interfaces) {
      owners.put(name, update.key());
      names.putEndpoint(name, PolicyManager.name(update.key()));
      putVerdicts(name, chains);
    }
    if (before != null) {
      leave(update.key(), before, interfaces);
      release(before);
    }
  }

  /** Renders the chains of all endpoints again, with other lines where policy drops. */
  void renderAll(DropRenderer changed) {
    drops = changed;
    List.copyOf(endpoints.values()).forEach(endpoint -> update(endpoint.update()));
  }

  /** Removes an endpoint; one that is not there is fine. */
  void remove(String key) {
    Endpoint before = endpoints.remove(key);
    if (before != null) {
      leave(key, before, Set.of());
      release(before);
    }
  }

  /** Leaves interfaces that the endpoint had; one that another has taken over stays as it is. */
  private void leave(String key, Endpoint before, Set<String> kept) {
    for (String name : before.interfaces()) {
      if (!kept.contains(name) && owners.remove(name, key)) {
        names.removeEndpoint(name);
        putVerdicts(name, null);
      }
    }
  }

  private void putVerdicts(String name, @Nullable Map<Place, String> chains) {
    for (Place place : Place.values()) {
      String chain = chains == null ? null : chains.get(place);
      if (name.equals(ANY)) {
        table.putChain(place.anyChain, chain == null ? List.of() : List.of("goto " + chain));
      } else if (chain == null) {
        table.removeVerdict(place.direction, name);
      } else {
        table.putVerdict(place.direction, name, chain);
      }
    }
  }

  /** Puts the chain of these rules, which is named by what is in it. */
  private void chain(Map<Place, String> chains, Place place, List<String> rules) {
    String name = place.prefix + Digest.of(String.join("\n", rules));
    if (uses.merge(name, 1, Integer::sum) == 1) {
      table.putChain(name, rules);
    }
    chains.put(place, name);
  }

  private void release(Endpoint endpoint) {
    for (String chain : endpoint.chains().values()) {
      if (uses.computeIfPresent(chain, (name, count) -> count == 1 ? null : count - 1) == null) {
        table.removeChain(chain);
      }
    }
  }

  /** What the host itself receives or sends. */
  private List<String> normal(AppliedRules applied, boolean ingress) {
    List<String> lines = new ArrayList<>();
    lines.add("ct state established,related accept");
    lines.add("jump " + INVALID);
    lines.add("jump " + (ingress ? FAILSAFE_IN : FAILSAFE_OUT));
    lines.add(CLEAR);
    if (applied.closed()) {
      lines.addAll(drops.lines("", "it or a policy cannot be read", Denial.closed(ingress)));
      return lines;
    }
    EndpointManager.addTiers(lines, applied.tiers(), ingress, drops, ACCEPTED + "accept");
    EndpointManager.addProfiles(lines, applied, ingress, drops, ACCEPTED + "accept");
    return lines;
  }

  /**
   * What is forwarded: nothing happens to it where no policy has a say. Whatever passes returns,
   * because policy of workloads may follow.
   */
  private List<String> forward(AppliedRules applied, boolean ingress) {
    List<String> lines = new ArrayList<>();
    if (!applied.closed() && applied.tiers().isEmpty()) {
      return lines;
    }
    lines.add("ct state established,related return");
    lines.add("jump " + INVALID);
    lines.add(CLEAR);
    if (applied.closed()) {
      lines.addAll(drops.lines("", "a policy cannot be read", Denial.closed(ingress)));
      return lines;
    }
    EndpointManager.addTiers(lines, applied.tiers(), ingress, drops, ACCEPTED + "return");
    return lines;
  }

  /** Before connection tracking; what is accepted here is not tracked either. */
  private static List<String> untracked(AppliedRules applied, boolean ingress) {
    return early(
        applied,
        ingress,
        ingress ? RAW_FAILSAFE_IN : RAW_FAILSAFE_OUT,
        REMEMBER + "notrack accept");
  }

  /** Before the translation of destinations, new connections only. */
  private static List<String> preDnat(AppliedRules applied) {
    List<String> lines = early(applied, true, FAILSAFE_IN, REMEMBER + "accept");
    if (!lines.isEmpty()) {
      lines.add(0, "jump " + INVALID);
    }
    return lines;
  }

  /**
   * A damaged policy may have denied what these would accept: then they accept nothing, and the
   * chains after them are closed.
   */
  private static List<String> early(
      AppliedRules applied, boolean ingress, String failsafe, String accepted) {
    List<String> lines = new ArrayList<>();
    if (applied.closed() || applied.tiers().isEmpty()) {
      return lines;
    }
    lines.add("jump " + failsafe);
    lines.add(CLEAR);
    EndpointManager.addTiers(lines, applied.tiers(), ingress, null, ACCEPTED + accepted);
    return lines;
  }
}
