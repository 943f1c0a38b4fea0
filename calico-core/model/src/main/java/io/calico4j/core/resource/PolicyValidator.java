package io.calico4j.core.resource;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What upstream refuses in policies, profiles and their rules ({@code
 * libcalico-go/lib/validator/v3}).
 */
final class PolicyValidator {
  private final Problems problems;

  PolicyValidator(Problems problems) {
    this.problems = problems;
  }

  void profile(ProfileSpec profile) {
    rules("spec.ingress", profile.ingress());
    rules("spec.egress", profile.egress());
  }

  void policy(ResourceKind<?> kind, PolicySpec policy) {
    problems.selector("spec.selector", policy.selector());
    problems.selector("spec.namespaceSelector", policy.namespaceSelector());
    problems.selector("spec.serviceAccountSelector", policy.serviceAccountSelector());
    Set<String> types = new HashSet<>();
    for (String type : policy.types()) {
      if (!type.equals("Ingress") && !type.equals("Egress")) {
        problems.add("spec.types", "\"" + type + "\" is neither Ingress nor Egress");
      }
      if (!types.add(type)) {
        problems.add("spec.types", "has " + type + " twice");
      }
    }
    boolean untracked = Boolean.TRUE.equals(policy.doNotTrack());
    boolean preDnat = Boolean.TRUE.equals(policy.preDNAT());
    boolean forward = Boolean.TRUE.equals(policy.applyOnForward());
    if (kind.equals(ResourceKind.NETWORK_POLICY)) {
      for (String field : hostOnly(untracked, preDnat, forward)) {
        problems.add("spec." + field, "is for a GlobalNetworkPolicy only");
      }
    }
    if (untracked && preDnat) {
      problems.add("spec.doNotTrack", "and preDNAT exclude each other: make two policies");
    }
    if ((untracked || preDnat) && !forward) {
      problems.add("spec.applyOnForward", "must be true with doNotTrack or preDNAT");
    }
    if (preDnat && (!policy.egress().isEmpty() || policy.types().contains("Egress"))) {
      problems.add("spec.preDNAT", "policy sees no egress: remove its egress rules and type");
    }
    rules("spec.ingress", policy.ingress());
    rules("spec.egress", policy.egress());
    services("spec.ingress", policy.ingress(), true);
    services("spec.egress", policy.egress(), false);
  }

  private static List<String> hostOnly(boolean untracked, boolean preDnat, boolean forward) {
    return java.util.stream.Stream.of(
            untracked ? "doNotTrack" : "",
            preDnat ? "preDNAT" : "",
            forward ? "applyOnForward" : "")
        .filter(name -> !name.isEmpty())
        .toList();
  }

  private void services(String path, List<Rule> rules, boolean ingress) {
    for (int i = 0; i < rules.size(); i++) {
      Rule.Peer local = ingress ? rules.get(i).destination() : rules.get(i).source();
      if (local.services() != null) {
        problems.add(
            path + "[" + i + "]." + (ingress ? "destination" : "source") + ".services",
            "names the remote side only: the source of ingress, the destination of egress");
      }
    }
  }

  private void rules(String path, List<Rule> rules) {
    for (int i = 0; i < rules.size(); i++) {
      rule(path + "[" + i + "]", rules.get(i));
    }
  }

  private void rule(String at, Rule rule) {
    Integer version = rule.ipVersion();
    if (version != null && version != 4 && version != 6) {
      problems.add(at + ".ipVersion", version + " is neither 4 nor 6");
    }
    if (version != null
        && (version == 4 ? Protocol.ICMPV6 : Protocol.ICMP).equals(rule.protocol())) {
      problems.add(at + ".protocol", rule.protocol() + " contradicts ipVersion " + version);
    }
    icmp(at + ".icmp", rule.icmp(), rule.protocol(), version);
    icmp(at + ".notICMP", rule.notICMP(), rule.protocol(), version);
    Set<IpFamily> families = EnumSet.noneOf(IpFamily.class);
    peer(at + ".source", rule, rule.source(), families);
    peer(at + ".destination", rule, rule.destination(), families);
    if (families.size() > 1) {
      problems.add(at, "has IPv4 and IPv6 networks: make a rule of each");
    } else if (version != null
        && !families.isEmpty()
        && families.contains(version == 4 ? IpFamily.IPV6 : IpFamily.IPV4)) {
      problems.add(at + ".ipVersion", version + " contradicts the rule's networks");
    }
    http(at + ".http", rule);
  }

  private void http(String path, Rule rule) {
    Rule.Http http = rule.http();
    if (http == null) {
      return;
    }
    if (path.startsWith("spec.egress")) {
      problems.add(path, "is for rules of ingress only");
    }
    if (rule.action() != Rule.Action.Allow) {
      problems.add(path, "can only be allowed, not " + rule.action());
    }
    if (rule.protocol() != null && !rule.protocol().equals(Protocol.TCP)) {
      problems.add(path, "needs protocol TCP, not " + rule.protocol());
    }
    for (Rule.Http.Path each : http.paths()) {
      if ((each.exact() == null) == (each.prefix() == null)) {
        problems.add(path + ".paths", "each needs either exact or prefix");
      }
      String text = each.exact() == null ? String.valueOf(each.prefix()) : each.exact();
      if (text.matches(".*[ ?#].*")) {
        problems.add(path + ".paths", "\"" + text + "\" has a blank, ? or #");
      }
    }
  }

  private void icmp(
      String path,
      Rule.@Nullable Icmp icmp,
      @Nullable Protocol protocol,
      @Nullable Integer version) {
    if (icmp == null) {
      return;
    }
    boolean v4 = Protocol.ICMP.equals(protocol);
    if (!v4 && !Protocol.ICMPV6.equals(protocol)) {
      problems.add(path, "needs protocol ICMP or ICMPv6 in the rule");
    } else if (version != null && version != (v4 ? 4 : 6)) {
      problems.add(path, "protocol " + protocol + " contradicts ipVersion " + version);
    }
    Integer type = icmp.type();
    Integer code = icmp.code();
    if (type == null && code != null) {
      problems.add(path + ".code", "needs a type");
    }
    if (type != null && (type < 0 || type > 254)) {
      problems.add(path + ".type", type + " is not within 0 to 254");
    }
    if (code != null && (code < 0 || code > 255)) {
      problems.add(path + ".code", code + " is not within 0 to 255");
    }
  }

  private void peer(String path, Rule rule, Rule.Peer peer, Set<IpFamily> families) {
    problems.selector(path + ".selector", peer.selector());
    problems.selector(path + ".notSelector", peer.notSelector());
    problems.selectorOrGlobal(path + ".namespaceSelector", peer.namespaceSelector());
    Rule.ServiceAccounts accounts = peer.serviceAccounts();
    if (accounts != null) {
      problems.selector(path + ".serviceAccounts.selector", accounts.selector());
    }
    nets(path + ".nets", peer.nets(), families, false);
    nets(path + ".notNets", peer.notNets(), families, true);
    ports(path + ".ports", rule, peer.ports());
    ports(path + ".notPorts", rule, peer.notPorts());
    if (peer.services() != null) {
      boolean others =
          peer.selector() != null
              || peer.notSelector() != null
              || peer.namespaceSelector() != null
              || accounts != null
              || !peer.nets().isEmpty()
              || !peer.notNets().isEmpty()
              || !peer.ports().isEmpty()
              || !peer.notPorts().isEmpty();
      if (others) {
        problems.add(
            path + ".services", "excludes selectors, networks, service accounts and ports");
      }
      problems.required(path + ".services.name", peer.services().name());
    }
  }

  private void nets(String path, List<String> nets, Set<IpFamily> families, boolean negated) {
    for (int i = 0; i < nets.size(); i++) {
      String at = path + "[" + i + "]";
      Optional<Cidr> net = problems.cidr(at, nets.get(i));
      if (net.isPresent()) {
        families.add(net.get().family());
        if (negated && net.get().prefix() == 0) {
          problems.add(at, net.get() + " excludes everything: the rule could never match");
        }
      }
    }
  }

  private void ports(String path, Rule rule, List<PortMatch> ports) {
    if (ports.isEmpty()) {
      return;
    }
    for (PortMatch port : ports) {
      if (port.name() == null && (port.first() < 1 || port.last() > 65535)) {
        problems.add(path, port + " is not within 1 to 65535");
      }
    }
    Protocol protocol = rule.protocol();
    boolean numbered = ports.stream().anyMatch(port -> port.name() == null);
    if (protocol == null ? numbered : !protocol.hasPorts()) {
      problems.add(path, "need protocol TCP, UDP or SCTP in the rule");
    }
  }
}
