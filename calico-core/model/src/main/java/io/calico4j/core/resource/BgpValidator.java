package io.calico4j.core.resource;

import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Community;
import io.calico4j.core.model.SecretKeySelector;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What upstream refuses to write of the kinds that BGP is configured with. */
final class BgpValidator {
  /** What bird knows as a name of interfaces: a quoted text, * and ? are wildcards. */
  static final Pattern INTERFACES = Pattern.compile("[a-zA-Z0-9_.:*?-]{1,15}");

  private static final String INTERFACES_TEXT = "an interface's name, * and ? are wildcards";
  private static final Pattern SEVERITY =
      Pattern.compile("(Trace|Debug|Info|Warning|Error|Fatal)?");
  private static final Pattern SECRET_PART = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,252})");
  private static final String DURATION_TEXT = "a duration such as 90s or 1m30s";
  private static final int LAST_PORT = 65535;
  private static final int MOST_HOPS = 255;
  private static final String DEFAULT_ONLY = "belongs to BGPConfiguration default only";

  private final Problems problems;

  BgpValidator(Problems problems) {
    this.problems = problems;
  }

  void peer(BgpPeerSpec peer) {
    problems.selector("spec.nodeSelector", peer.nodeSelector());
    problems.selector("spec.peerSelector", peer.peerSelector());
    problems.selector("spec.localWorkloadSelector", peer.localWorkloadSelector());
    if (given(peer.node()) && given(peer.nodeSelector())) {
      problems.add("spec.node", "and nodeSelector exclude each other");
    }
    remoteSide(peer);
    if (Boolean.TRUE.equals(peer.keepOriginalNextHop()) && given(peer.nextHopMode())) {
      problems.add("spec.keepOriginalNextHop", "and nextHopMode exclude each other");
    }
    password("spec.password", peer.password());
    problems.form(
        "spec.maxRestartTime", peer.maxRestartTime(), ResourceValidator.DURATION, DURATION_TEXT);
    problems.form(
        "spec.keepaliveTime", peer.keepaliveTime(), ResourceValidator.DURATION, DURATION_TEXT);
    atLeastZero("spec.numAllowedLocalASNumbers", peer.numAllowedLocalASNumbers());
    atLeastZero("spec.ttlSecurity", peer.ttlSecurity());
    if (peer.ttlSecurity() != null && peer.ttlSecurity() > MOST_HOPS) {
      problems.add("spec.ttlSecurity", peer.ttlSecurity() + " hops are more than " + MOST_HOPS);
    }
    reachableBy(peer);
  }

  private void remoteSide(BgpPeerSpec peer) {
    boolean noNumber = peer.asNumber() == null || peer.asNumber().value() == 0;
    if (given(peer.localWorkloadSelector())) {
      if (given(peer.peerIP())) {
        problems.add("spec.peerIP", "and localWorkloadSelector exclude each other");
      }
      if (given(peer.peerSelector())) {
        problems.add("spec.peerSelector", "and localWorkloadSelector exclude each other");
      }
      if (noNumber) {
        problems.add("spec.asNumber", "is missing: a peer with localWorkloadSelector needs it");
      }
    } else if (given(peer.peerSelector())) {
      if (given(peer.peerIP())) {
        problems.add("spec.peerIP", "and peerSelector exclude each other");
      }
      if (!noNumber) {
        problems.add("spec.asNumber", "follows from the nodes that peerSelector selects");
      }
    } else if (!given(peer.peerIP())) {
      problems.add("spec.peerIP", "is missing: give it, peerSelector or localWorkloadSelector");
    } else if (PeerAddress.tryParse(String.valueOf(peer.peerIP())).isEmpty()) {
      problems.add(
          "spec.peerIP",
          "\""
              + peer.peerIP()
              + "\" is not an IP address, nor one with a port such as 192.0.2.1:1790 or"
              + " [2001:db8::1]:1790");
    }
  }

  private void reachableBy(BgpPeerSpec peer) {
    if (!given(peer.reachableBy())) {
      return;
    }
    if (!given(peer.peerIP())) {
      problems.add("spec.reachableBy", "needs peerIP");
      return;
    }
    Optional<IpAddress> gateway = problems.address("spec.reachableBy", peer.reachableBy());
    Optional<PeerAddress> remote = PeerAddress.tryParse(String.valueOf(peer.peerIP()));
    if (gateway.isPresent()
        && remote.isPresent()
        && gateway.get().family() != remote.get().address().family()) {
      problems.add("spec.reachableBy", gateway.get() + " is of the other family than peerIP");
    }
  }

  private void atLeastZero(String path, @Nullable Integer number) {
    if (number != null && number < 0) {
      problems.add(path, number + " is negative");
    }
  }

  private void password(String path, @Nullable SecretKeySelector password) {
    if (password == null) {
      return;
    }
    SecretKeySelector.KeyRef reference = password.secretKeyRef();
    if (reference == null) {
      problems.add(path + ".secretKeyRef", "is missing");
      return;
    }
    String at = path + ".secretKeyRef.";
    if (problems.required(at + "name", reference.name())
        & problems.required(at + "key", reference.key())) {
      String form = "letters, digits and ._-, a letter or digit first";
      problems.form(at + "name", reference.name(), SECRET_PART, form);
      problems.form(at + "key", reference.key(), SECRET_PART, form);
    }
  }

  void configuration(String name, BgpConfigurationSpec configuration) {
    if (name.startsWith("node.")) {
      if (configuration.nodeToNodeMeshEnabled() != null) {
        problems.add("spec.nodeToNodeMeshEnabled", DEFAULT_ONLY);
      }
      if (configuration.asNumber() != null) {
        problems.add("spec.asNumber", "belongs to BGPConfiguration default, or to the Node");
      }
    }
    mesh(name, configuration);
    Integer port = configuration.listenPort();
    if (port != null && (port < 1 || port > LAST_PORT)) {
      problems.add("spec.listenPort", port + " is not within 1 to 65535");
    }
    problems.form(
        "spec.logSeverityScreen",
        configuration.logSeverityScreen(),
        SEVERITY,
        "one of Trace, Debug, Info, Warning, Error and Fatal");
    configuration
        .ignoredInterfaces()
        .forEach(
            text -> problems.form("spec.ignoredInterfaces", text, INTERFACES, INTERFACES_TEXT));
    networks("spec.serviceClusterIPs", configuration.serviceClusterIPs());
    networks("spec.serviceExternalIPs", configuration.serviceExternalIPs());
    networks("spec.serviceLoadBalancerIPs", configuration.serviceLoadBalancerIPs());
    communities(configuration);
    family(
        "spec.localWorkloadPeeringIPV4", configuration.localWorkloadPeeringIPV4(), IpFamily.IPV4);
    family(
        "spec.localWorkloadPeeringIPV6", configuration.localWorkloadPeeringIPV6(), IpFamily.IPV6);
  }

  private void mesh(String name, BgpConfigurationSpec configuration) {
    problems.form(
        "spec.nodeMeshMaxRestartTime",
        configuration.nodeMeshMaxRestartTime(),
        ResourceValidator.DURATION,
        DURATION_TEXT);
    password("spec.nodeMeshPassword", configuration.nodeMeshPassword());
    boolean off = Boolean.FALSE.equals(configuration.nodeToNodeMeshEnabled());
    for (String field : List.of("nodeMeshPassword", "nodeMeshMaxRestartTime")) {
      boolean set =
          field.equals("nodeMeshPassword")
              ? configuration.nodeMeshPassword() != null
              : configuration.nodeMeshMaxRestartTime() != null;
      if (set && !name.equals("default")) {
        problems.add("spec." + field, DEFAULT_ONLY);
      } else if (set && off) {
        problems.add("spec." + field, "needs the mesh, which nodeToNodeMeshEnabled turns off");
      }
    }
  }

  private void family(String path, @Nullable String text, IpFamily family) {
    problems
        .address(path, text)
        .filter(address -> address.family() != family)
        .ifPresent(address -> problems.add(path, address + " is not " + family.keyName()));
  }

  private void networks(String path, List<BgpConfigurationSpec.CidrEntry> entries) {
    for (int i = 0; i < entries.size(); i++) {
      network(path + "[" + i + "].cidr", entries.get(i).cidr());
    }
  }

  private void network(String path, @Nullable String text) {
    if (problems.required(path, text)) {
      String given = String.valueOf(text);
      if (given.indexOf('/') < 0) {
        problems.add(
            path, "\"" + given + "\" is not a CIDR such as 10.96.0.0/12: it has no length");
      } else {
        Optional<Cidr> unused = problems.cidr(path, given);
      }
    }
  }

  private void communities(BgpConfigurationSpec configuration) {
    List<BgpConfigurationSpec.NamedCommunity> named = configuration.communities();
    for (int i = 0; i < named.size(); i++) {
      String at = "spec.communities[" + i + "]";
      if (problems.required(at + ".name", named.get(i).name())
          & problems.required(at + ".value", named.get(i).value())) {
        community(at + ".value", String.valueOf(named.get(i).value()));
      }
    }
    List<BgpConfigurationSpec.PrefixAdvertisement> prefixes = configuration.prefixAdvertisements();
    if (prefixes.isEmpty() && !named.isEmpty()) {
      problems.add("spec.communities", "name what no prefixAdvertisements use");
    }
    Set<String> names =
        named.stream().map(c -> String.valueOf(c.name())).collect(Collectors.toSet());
    for (int i = 0; i < prefixes.size(); i++) {
      String at = "spec.prefixAdvertisements[" + i + "]";
      network(at + ".cidr", prefixes.get(i).cidr());
      for (String value : prefixes.get(i).communities()) {
        if (!names.contains(value)) {
          community(at + ".communities", value);
        }
      }
    }
  }

  private void community(String path, String text) {
    if (Community.tryParse(text).isEmpty()) {
      problems.add(
          path,
          "\""
              + text
              + "\" is no community such as 64512:120 or 64512:300:100, nor the name of one");
    }
  }

  void filter(BgpFilterSpec filter) {
    rules("spec.exportV4", filter.exportV4(), IpFamily.IPV4);
    rules("spec.importV4", filter.importV4(), IpFamily.IPV4);
    rules("spec.exportV6", filter.exportV6(), IpFamily.IPV6);
    rules("spec.importV6", filter.importV6(), IpFamily.IPV6);
  }

  private void rules(String path, List<BgpFilterSpec.Rule> rules, IpFamily family) {
    for (int i = 0; i < rules.size(); i++) {
      rule(path + "[" + i + "]", rules.get(i), family);
    }
  }

  private void rule(String path, BgpFilterSpec.Rule rule, IpFamily family) {
    boolean unused = problems.required(path + ".action", rule.action());
    if (given(rule.cidr()) != given(rule.matchOperator())) {
      problems.add(path + ".cidr", "and matchOperator belong together: give both or none");
    }
    if (given(rule.cidr())) {
      problems
          .cidr(path + ".cidr", String.valueOf(rule.cidr()))
          .filter(cidr -> cidr.family() != family)
          .ifPresent(cidr -> problems.add(path + ".cidr", cidr + " is not " + family.keyName()));
    } else if (rule.prefixLength() != null) {
      problems.add(path + ".prefixLength", "needs cidr");
    }
    problems.form(path + ".interface", rule.interfaceName(), INTERFACES, INTERFACES_TEXT);
    if (rule.communities() != null) {
      List<String> values = rule.communities().values();
      if (values.size() != 1) {
        problems.add(path + ".communities.values", "must be exactly one");
      }
      values.forEach(value -> community(path + ".communities.values", value));
    }
    if (!rule.operations().isEmpty() && !"Accept".equals(rule.action())) {
      problems.add(path + ".operations", "need action Accept");
    }
    for (int i = 0; i < rule.operations().size(); i++) {
      operation(path + ".operations[" + i + "]", rule.operations().get(i));
    }
  }

  private void operation(String path, BgpFilterSpec.Operation operation) {
    int given = operation.addCommunity() == null ? 0 : 1;
    given += operation.prependASPath() == null ? 0 : 1;
    given += operation.setPriority() == null ? 0 : 1;
    if (given != 1) {
      problems.add(path, "must be one of addCommunity, prependASPath and setPriority");
      return;
    }
    if (operation.addCommunity() != null) {
      community(path + ".addCommunity.value", String.valueOf(operation.addCommunity().value()));
    }
    if (operation.prependASPath() != null && operation.prependASPath().prefix().isEmpty()) {
      problems.add(path + ".prependASPath.prefix", "is missing");
    }
    if (operation.setPriority() != null && operation.setPriority().value() == null) {
      problems.add(path + ".setPriority.value", "is missing");
    }
  }

  private static boolean given(@Nullable String text) {
    return text != null && !text.isEmpty();
  }
}
