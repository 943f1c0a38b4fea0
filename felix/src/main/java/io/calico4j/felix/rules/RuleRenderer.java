package io.calico4j.felix.rules;

import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.RuleScanner;
import io.calico4j.felix.calculation.Selectors;
import io.calico4j.felix.config.LogParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Renders rules as lines of nftables. A rule becomes one line for each combination of alternatives
 * that one line cannot hold: single addresses or networks, numbers or names of ports. The number of
 * lines does not grow with a rule's lists or with its sets. The verdict is left in the mark: accept
 * or pass, with a return; neither is "no match".
 */
final class RuleRenderer {
  static final String ACCEPT_BIT = "0x00010000";
  static final String PASS_BIT = "0x00020000";
  private static final int LOG_PREFIX_LIMIT = 64;

  private final AddressSetManager sets;
  private final LogParameters logs;
  private final DropRenderer drops;

  /** What counts the packets that a line is for; empty where nothing counts. */
  private final String counter;

  /** Makes a renderer, whose lines count or do not. */
  RuleRenderer(AddressSetManager sets, LogParameters logs, DropRenderer drops, boolean counts) {
    this.sets = sets;
    this.logs = logs;
    this.drops = drops;
    counter = counts ? "counter " : "";
  }

  /**
   * Renders the rules of a policy or profile; what cannot be understood drops everything.
   *
   * @param key the owner's key in the datastore
   */
  List<RuleLine> render(String key, Resource<?> owner, boolean ingress, List<Rule> rules) {
    List<RuleLine> lines = new ArrayList<>();
    for (int i = 0; i < rules.size(); i++) {
      Denial denial = Denial.byRule(ingress, key, i + 1);
      List<String> texts = new ArrayList<>();
      Rule.Action action = rules.get(i).action();
      try {
        for (Line line : render(owner, rules.get(i))) {
          texts.addAll(actions(line, denial));
        }
      } catch (RuntimeException e) {
        // Whatever is wrong with it, what it would have denied must not pass.
        texts.addAll(drops.lines("", counter, "unreadable rule", denial));
        action = Rule.Action.Deny;
      }
      for (String text : texts) {
        lines.add(new RuleLine(text, i + 1, action, counts(text)));
      }
    }
    return lines;
  }

  /** Tells whether its lines count. */
  boolean counts() {
    return !counter.isEmpty();
  }

  private boolean counts(String line) {
    return counts() && (" " + line).contains(" " + counter);
  }

  /**
   * What a line of a rule does.
   *
   * @param match what it meets; empty for everything
   */
  private record Line(String match, Rule.Action action) {}

  private List<Line> render(Resource<?> owner, Rule rule) {
    RuleScanner.requireSense(rule);
    if (!isFamilyBound(owner, rule)) {
      return lines(owner, rule, null);
    }
    List<Line> lines = new ArrayList<>();
    for (IpFamily family : IpFamily.values()) {
      if (appliesTo(rule, family)) {
        lines.addAll(lines(owner, rule, family));
      }
    }
    return lines;
  }

  private static boolean isFamilyBound(Resource<?> owner, Rule rule) {
    return rule.ipVersion() != null
        || rule.icmp() != null
        || rule.notICMP() != null
        || isBound(owner, rule.source())
        || isBound(owner, rule.destination());
  }

  private static boolean isBound(Resource<?> owner, Rule.Peer peer) {
    return !peer.nets().isEmpty()
        || !peer.notNets().isEmpty()
        || peer.notSelector() != null
        || Selectors.ofPeer(owner, peer).isPresent()
        || peer.ports().stream().anyMatch(p -> p.name() != null)
        || peer.notPorts().stream().anyMatch(p -> p.name() != null);
  }

  private static boolean appliesTo(Rule rule, IpFamily family) {
    Integer version = rule.ipVersion();
    if (version != null && version != (family == IpFamily.IPV4 ? 4 : 6)) {
      return false;
    }
    if (rule.icmp() != null || rule.notICMP() != null) {
      boolean v6 = Protocol.ICMPV6.equals(rule.protocol());
      if (v6 != (family == IpFamily.IPV6)) {
        return false;
      }
    }
    return Stream.of(rule.source(), rule.destination())
        .flatMap(peer -> Stream.of(peer.nets(), peer.notNets()))
        .allMatch(nets -> hasFamily(nets, family));
  }

  private static boolean hasFamily(List<String> nets, IpFamily family) {
    return nets.isEmpty() || nets.stream().anyMatch(n -> Cidr.parse(n).family() == family);
  }

  private List<Line> lines(Resource<?> owner, Rule rule, @Nullable IpFamily family) {
    List<String> variants = new ArrayList<>(List.of(""));
    if (family != null) {
      variants = times(variants, List.of("meta nfproto " + family.keyName()));
    }
    Protocol protocol = rule.protocol();
    if (protocol != null) {
      variants = times(variants, List.of("meta l4proto " + protocol.number()));
    }
    Protocol notProtocol = rule.notProtocol();
    if (notProtocol != null) {
      variants = times(variants, List.of("meta l4proto != " + notProtocol.number()));
    }
    variants = times(variants, icmp(rule, family));
    variants = peer(variants, owner, rule, rule.source(), family, true);
    variants = peer(variants, owner, rule, rule.destination(), family, false);
    return variants.stream().map(match -> new Line(match.strip(), rule.action())).toList();
  }

  private List<String> actions(Line line, Denial denial) {
    String prefix = line.match().isEmpty() ? "" : line.match() + " ";
    return switch (line.action()) {
      case Allow ->
          List.of(prefix + counter + "meta mark set meta mark or " + ACCEPT_BIT + " return");
      case Pass -> List.of(prefix + counter + "meta mark set meta mark or " + PASS_BIT + " return");
      case Deny -> drops.lines(line.match(), counter, "", denial);
      case Log -> List.of(prefix + counter + logLimit() + "log prefix \"" + safePrefix() + ": \"");
    };
  }

  private String logLimit() {
    return logs.rate().isEmpty()
        ? ""
        : "limit rate " + logs.rate() + " burst " + logs.burst() + " packets ";
  }

  private String safePrefix() {
    String safe = logs.prefix().replaceAll("[^A-Za-z0-9 _.%/-]", "_");
    return safe.length() <= LOG_PREFIX_LIMIT ? safe : safe.substring(0, LOG_PREFIX_LIMIT);
  }

  private static List<String> icmp(Rule rule, @Nullable IpFamily family) {
    String name = family == IpFamily.IPV6 ? "icmpv6" : "icmp";
    StringBuilder match = new StringBuilder();
    Rule.Icmp icmp = rule.icmp();
    if (icmp != null) {
      if (icmp.type() != null) {
        match.append(name).append(" type ").append(icmp.type());
      }
      if (icmp.code() != null) {
        match.append(' ').append(name).append(" code ").append(icmp.code());
      }
    }
    Rule.Icmp not = rule.notICMP();
    if (not != null && not.type() != null) {
      if (not.code() == null) {
        match.append(' ').append(name).append(" type != ").append(not.type());
      } else {
        match
            .append(' ')
            .append(name)
            .append(" type . ")
            .append(name)
            .append(" code != { ")
            .append(not.type())
            .append(" . ")
            .append(not.code())
            .append(" }");
      }
    }
    return List.of(match.toString().strip());
  }

  private List<String> peer(
      List<String> variants,
      Resource<?> owner,
      Rule rule,
      Rule.Peer peer,
      @Nullable IpFamily family,
      boolean source) {
    List<String> result = variants;
    Optional<Selector> selector = Selectors.ofPeer(owner, peer);
    if (family != null) {
      String field = (family == IpFamily.IPV4 ? "ip " : "ip6 ") + (source ? "saddr" : "daddr");
      if (!peer.nets().isEmpty()) {
        result = times(result, List.of(within(peer.nets(), family, field, "")));
      }
      if (!peer.notNets().isEmpty()) {
        result = times(result, List.of(within(peer.notNets(), family, field, "!= ")));
      }
      boolean denies = rule.action() == Rule.Action.Deny;
      // Of a damaged network set every address may be a member: all are denied, none is allowed
      // for not being one.
      if (selector.isPresent() && !(denies && sets.mayLackMembers(selector.get()))) {
        result = times(result, memberOf(selector.get(), family, field));
      }
      Optional<Selector> excluded = RuleScanner.excluded(peer);
      if (excluded.isPresent()) {
        if (!denies && sets.mayLackMembers(excluded.get())) {
          return List.of();
        }
        result = times(result, List.of(notMemberOf(excluded.get(), family, field)));
      }
    }
    if (!peer.ports().isEmpty()) {
      result = times(result, ports(peer.ports(), selector, rule.protocol(), family, source, false));
    }
    if (!peer.notPorts().isEmpty()) {
      for (String no : ports(peer.notPorts(), selector, rule.protocol(), family, source, true)) {
        result = times(result, List.of(no));
      }
    }
    return result;
  }

  /** Matches addresses inside networks: one network by itself, several by their set. */
  private static String within(List<String> nets, IpFamily family, String field, String not) {
    List<Cidr> networks = RuleScanner.ofFamily(nets, family);
    return networks.size() == 1
        ? field + " " + not + networks.get(0)
        : field
            + " . meta nfproto "
            + not
            + "@"
            + AddressSetManager.networks(new AddressSetId.Networks(networks), family);
  }

  private List<String> memberOf(Selector selector, IpFamily family, String field) {
    List<String> alternatives = new ArrayList<>();
    alternatives.add(field + " @" + AddressSetManager.addresses(selector, family));
    AddressSetId id = new AddressSetId.Selected(selector);
    if (sets.hasNetworks(id, family)) {
      alternatives.add(field + " . meta nfproto @" + AddressSetManager.networks(id, family));
    }
    return alternatives;
  }

  private String notMemberOf(Selector selector, IpFamily family, String field) {
    String match = field + " != @" + AddressSetManager.addresses(selector, family);
    AddressSetId id = new AddressSetId.Selected(selector);
    return sets.hasNetworks(id, family)
        ? match + " " + field + " . meta nfproto != @" + AddressSetManager.networks(id, family)
        : match;
  }

  private static List<String> ports(
      List<PortMatch> ports,
      Optional<Selector> selector,
      @Nullable Protocol protocol,
      @Nullable IpFamily family,
      boolean source,
      boolean negated) {
    List<String> alternatives = new ArrayList<>();
    String not = negated ? "!= " : "";
    List<String> numbers =
        ports.stream()
            .filter(p -> p.name() == null)
            .map(p -> p.first() == p.last() ? "" + p.first() : p.first() + "-" + p.last())
            .toList();
    if (!numbers.isEmpty()) {
      if (protocol == null || !protocol.hasPorts()) {
        throw new IllegalArgumentException("ports need protocol TCP, UDP or SCTP");
      }
      // Ranges are compared: a set of ranges is without members for a moment after the transaction
      // that makes it, also where it belongs to a rule.
      String field = "th " + (source ? "sport " : "dport ") + not;
      List<String> single = new ArrayList<>(merged(ports));
      List<String> ranges = single.stream().filter(text -> text.contains("-")).toList();
      single.removeAll(ranges);
      if (!single.isEmpty()) {
        alternatives.add(field + "{ " + String.join(", ", single) + " }");
      }
      ranges.forEach(range -> alternatives.add(field + range));
    }
    Optional<AddressSetId.NamedPorts> named = RuleScanner.namedPorts(selector, ports, protocol);
    if (named.isPresent() && family != null) {
      alternatives.add(
          (family == IpFamily.IPV4 ? "ip " : "ip6 ")
              + (source ? "saddr" : "daddr")
              + " . meta l4proto . th "
              + (source ? "sport " : "dport ")
              + not
              + "@"
              + AddressSetManager.ports(named.get(), family));
    }
    return alternatives;
  }

  /** Joins overlapping ranges, which an anonymous set refuses. */
  private static List<String> merged(List<PortMatch> ports) {
    List<PortMatch> sorted =
        ports.stream()
            .filter(p -> p.name() == null)
            .sorted(java.util.Comparator.comparingInt(PortMatch::first))
            .toList();
    List<String> merged = new ArrayList<>();
    int first = -1;
    int last = -1;
    for (PortMatch port : sorted) {
      if (first >= 0 && port.first() <= last + 1) {
        last = Math.max(last, port.last());
        continue;
      }
      if (first >= 0) {
        merged.add(first == last ? "" + first : first + "-" + last);
      }
      first = port.first();
      last = port.last();
    }
    merged.add(first == last ? "" + first : first + "-" + last);
    return merged;
  }

  private static List<String> times(List<String> left, List<String> right) {
    List<String> product = new ArrayList<>();
    for (String a : left) {
      for (String b : right) {
        product.add(b.isEmpty() ? a : a.isEmpty() ? b : a + " " + b);
      }
    }
    return product;
  }
}
