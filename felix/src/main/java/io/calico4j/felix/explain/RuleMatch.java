package io.calico4j.felix.explain;

import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.calculation.RuleScanner;
import io.calico4j.felix.calculation.Selectors;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Compares a packet with a rule, and says which condition it does not meet. */
final class RuleMatch {
  private final AddressSets sets;
  private final Resource<?> owner;
  private final Rule rule;
  private final Packet packet;

  /** What address sets hold. */
  interface AddressSets {
    /** Tells whether a set has a member that is, or holds, this. */
    boolean contains(AddressSetId id, Member member);

    /** Tells whether members may be missing, because a network set is damaged. */
    boolean mayLackMembers(Selector selector);
  }

  private RuleMatch(AddressSets sets, Resource<?> owner, Rule rule, Packet packet) {
    this.sets = sets;
    this.owner = owner;
    this.rule = rule;
    this.packet = packet;
  }

  /**
   * Returns the first condition of a rule that a packet does not meet; empty when it meets all.
   *
   * @throws IllegalArgumentException when the rule cannot be read or enforced
   */
  static Optional<String> whyNot(AddressSets sets, Resource<?> owner, Rule rule, Packet packet) {
    RuleScanner.requireSense(rule);
    return Optional.ofNullable(new RuleMatch(sets, owner, rule, packet).whyNot());
  }

  private @Nullable String whyNot() {
    int version = packet.family() == IpFamily.IPV4 ? 4 : 6;
    if (rule.ipVersion() != null && rule.ipVersion() != version) {
      return "it is for IPv" + rule.ipVersion();
    }
    Protocol protocol = rule.protocol();
    if (protocol != null && !protocol.equals(packet.protocol())) {
      return "it is for protocol " + protocol;
    }
    Protocol not = rule.notProtocol();
    if (not != null && not.equals(packet.protocol())) {
      return "it is not for protocol " + not;
    }
    String icmp = icmp();
    if (icmp != null) {
      return icmp;
    }
    String source = side("source", rule.source(), packet.source(), packet.sourcePort());
    return source != null
        ? source
        : side("destination", rule.destination(), packet.destination(), packet.destinationPort());
  }

  private @Nullable String icmp() {
    Rule.Icmp icmp = rule.icmp();
    Rule.Icmp not = rule.notICMP();
    if (icmp == null && not == null) {
      return null;
    }
    boolean v6 = Protocol.ICMPV6.equals(rule.protocol());
    if (v6 != (packet.family() == IpFamily.IPV6)) {
      return "it is for " + rule.protocol();
    }
    if (icmp != null && !isOf(icmp)) {
      return "it is for another ICMP type or code";
    }
    return not != null && isOf(not) ? "it is not for this ICMP type and code" : null;
  }

  private boolean isOf(Rule.Icmp icmp) {
    return (icmp.type() == null || icmp.type() == packet.icmpType())
        && (icmp.code() == null || icmp.code() == 0);
  }

  private @Nullable String side(String name, Rule.Peer peer, IpAddress address, int port) {
    Optional<Selector> selector = Selectors.ofPeer(owner, peer);
    Optional<Selector> excluded = RuleScanner.excluded(peer);
    boolean denies = rule.action() == Rule.Action.Deny;
    Member single = new Member.Network(address.toCidr());
    if (!peer.nets().isEmpty() && !isWithin(peer.nets(), address)) {
      return name + " " + address + " is in none of nets " + peer.nets();
    }
    if (!peer.notNets().isEmpty()) {
      if (RuleScanner.ofFamily(peer.notNets(), address.family()).isEmpty()) {
        return "its notNets are of the other address family";
      }
      if (isWithin(peer.notNets(), address)) {
        return name + " " + address + " is in notNets " + peer.notNets();
      }
    }
    if (selector.isPresent()
        && !(denies && sets.mayLackMembers(selector.get()))
        && !sets.contains(new AddressSetId.Selected(selector.get()), single)) {
      return name + " " + address + " is not selected by " + selector.get();
    }
    if (excluded.isPresent()) {
      if (!denies && sets.mayLackMembers(excluded.get())) {
        return "a network set is damaged that notSelector " + excluded.get() + " may select";
      }
      if (sets.contains(new AddressSetId.Selected(excluded.get()), single)) {
        return name + " " + address + " is selected by notSelector " + excluded.get();
      }
    }
    if (!peer.ports().isEmpty() && !hasPort(peer.ports(), selector, address, port)) {
      return name + " port " + port + " is none of " + peer.ports();
    }
    return !peer.notPorts().isEmpty() && hasPort(peer.notPorts(), selector, address, port)
        ? name + " port " + port + " is one of notPorts " + peer.notPorts()
        : null;
  }

  private static boolean isWithin(List<String> nets, IpAddress address) {
    return nets.stream().map(Cidr::parse).anyMatch(net -> net.contains(address));
  }

  private boolean hasPort(
      List<PortMatch> ports, Optional<Selector> selector, IpAddress address, int port) {
    boolean byNumber =
        ports.stream().anyMatch(p -> p.name() == null && p.first() <= port && port <= p.last());
    return byNumber
        || RuleScanner.namedPorts(selector, ports, rule.protocol())
            .filter(
                named ->
                    named.protocol().equals(packet.protocol())
                        && sets.contains(named, new Member.Port(address, named.protocol(), port)))
            .isPresent();
  }
}
