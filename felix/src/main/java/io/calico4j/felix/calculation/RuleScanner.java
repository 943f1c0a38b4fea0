package io.calico4j.felix.calculation;

import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Tells which address sets rules ask for, and which rules cannot be enforced. */
public final class RuleScanner {
  private RuleScanner() {}

  /** Returns the sets that the rules ask for; a rule that cannot be read asks for none. */
  static Set<AddressSetId> scan(Resource<?> owner, List<Rule> rules) {
    Set<AddressSetId> ids = new LinkedHashSet<>();
    for (Rule rule : rules) {
      try {
        Set<AddressSetId> ofRule = new LinkedHashSet<>();
        for (Rule.Peer peer : List.of(rule.source(), rule.destination())) {
          Optional<Selector> selector = Selectors.ofPeer(owner, peer);
          selector.map(AddressSetId.Selected::new).ifPresent(ofRule::add);
          excluded(peer).map(AddressSetId.Selected::new).ifPresent(ofRule::add);
          addNetworks(peer.nets(), ofRule);
          addNetworks(peer.notNets(), ofRule);
          namedPorts(selector, peer.ports(), rule.protocol()).ifPresent(ofRule::add);
          namedPorts(selector, peer.notPorts(), rule.protocol()).ifPresent(ofRule::add);
        }
        ids.addAll(ofRule);
      } catch (IllegalArgumentException e) {
        // Whoever meets the rule is dropped: it asks for nothing.
        continue;
      }
    }
    return ids;
  }

  /**
   * Returns the selector of what a peer must not be.
   *
   * @throws IllegalArgumentException when it cannot be read
   */
  public static Optional<Selector> excluded(Rule.Peer peer) {
    String text = peer.notSelector();
    return text == null || text.isEmpty() ? Optional.empty() : Optional.of(Selector.parse(text));
  }

  /** One network stands in the rule itself. */
  private static void addNetworks(List<String> nets, Set<AddressSetId> ids) {
    for (IpFamily family : IpFamily.values()) {
      List<Cidr> networks = ofFamily(nets, family);
      if (networks.size() > 1) {
        ids.add(new AddressSetId.Networks(networks));
      }
    }
  }

  /**
   * Returns the different networks of one family in a rule's list, in ascending order.
   *
   * @throws IllegalArgumentException when a text is no network
   */
  public static List<Cidr> ofFamily(List<String> nets, IpFamily family) {
    return nets.stream()
        .map(Cidr::parse)
        .filter(cidr -> cidr.family() == family)
        .sorted()
        .distinct()
        .toList();
  }

  /**
   * Returns the set of the named ports among a rule's ports; empty when none has a name.
   *
   * @param selector what the peer must be
   * @param protocol the rule's; TCP when it has none
   */
  public static Optional<AddressSetId.NamedPorts> namedPorts(
      Optional<Selector> selector, List<PortMatch> ports, @Nullable Protocol protocol) {
    Set<String> names =
        ports.stream()
            .flatMap(port -> Stream.ofNullable(port.name()))
            .collect(Collectors.toCollection(TreeSet::new));
    return names.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new AddressSetId.NamedPorts(
                selector.orElse(Selector.all()),
                names,
                protocol == null ? Protocol.TCP : protocol));
  }

  /**
   * Refuses a rule that cannot be enforced here, or that nftables would refuse, and with it the
   * whole transaction.
   *
   * @throws IllegalArgumentException with the reason
   */
  public static void requireSense(Rule rule) {
    require(
        rule.http() == null
            && rule.source().services() == null
            && rule.destination().services() == null,
        "http and services cannot be enforced here");
    require(
        rule.ipVersion() == null || rule.ipVersion() == 4 || rule.ipVersion() == 6, "ipVersion");
    for (Rule.Icmp icmp : Arrays.asList(rule.icmp(), rule.notICMP())) {
      if (icmp != null) {
        require(
            Protocol.ICMP.equals(rule.protocol()) || Protocol.ICMPV6.equals(rule.protocol()),
            "icmp needs protocol ICMP or ICMPv6");
        require(isByte(icmp.type()) && isByte(icmp.code()), "an ICMP type or code");
        require(icmp.code() == null || icmp.type() != null, "an ICMP code needs a type");
      }
    }
    boolean ports =
        Stream.of(rule.source(), rule.destination())
            .anyMatch(peer -> !peer.ports().isEmpty() || !peer.notPorts().isEmpty());
    Protocol protocol = rule.protocol();
    require(!ports || protocol == null || protocol.hasPorts(), "ports need TCP, UDP or SCTP");
  }

  private static boolean isByte(@Nullable Integer number) {
    return number == null || number >= 0 && number <= 255;
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException(what);
    }
  }
}
