package io.calico4j.core.resource;

import static io.calico4j.core.resource.StoredForm.isGiven;
import static io.calico4j.core.resource.StoredForm.require;

import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Community;
import io.calico4j.core.model.SecretKeySelector;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.ValueType;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@link StoredForm} of the kinds that BGP is configured with: what BIRD would not take is damaged.
 */
final class BgpStoredForm {
  private static final Set<String> SEVERITIES =
      Set.of("trace", "debug", "info", "warning", "error", "fatal", "none");

  private static final int MOST_HOPS = 255;
  private static final int PRIORITY_MAX = Integer.MAX_VALUE - 1;

  private BgpStoredForm() {}

  static void check(BgpPeerSpec peer) {
    StoredForm.requireSelector("spec.nodeSelector", peer.nodeSelector());
    StoredForm.requireSelector("spec.peerSelector", peer.peerSelector());
    StoredForm.requireSelector("spec.localWorkloadSelector", peer.localWorkloadSelector());
    requireAs("spec.asNumber", peer.asNumber());
    requireAs("spec.localASNumber", peer.localASNumber());
    require(
        !isGiven(peer.peerIP()) || PeerAddress.tryParse(String.valueOf(peer.peerIP())).isPresent(),
        "spec.peerIP",
        peer.peerIP());
    requireAddress("spec.reachableBy", peer.reachableBy());
    requireDuration("spec.maxRestartTime", peer.maxRestartTime());
    requireDuration("spec.keepaliveTime", peer.keepaliveTime());
    requireRange("spec.ttlSecurity", peer.ttlSecurity(), 0, MOST_HOPS);
    requireRange(
        "spec.numAllowedLocalASNumbers", peer.numAllowedLocalASNumbers(), 0, Integer.MAX_VALUE);
    requireWord("spec.nextHopMode", peer.nextHopMode(), "Auto", "Self", "Keep");
    requireWord("spec.sourceAddress", peer.sourceAddress(), "UseNodeIP", "None");
    requireWord("spec.reversePeering", peer.reversePeering(), "Auto", "Manual");
    requirePassword("spec.password", peer.password());
  }

  static void check(BgpConfigurationSpec configuration) {
    Integer port = configuration.listenPort();
    require(port == null || StoredForm.isPort(port), "spec.listenPort", port);
    requireDuration("spec.nodeMeshMaxRestartTime", configuration.nodeMeshMaxRestartTime());
    requirePassword("spec.nodeMeshPassword", configuration.nodeMeshPassword());
    requireWord("spec.bindMode", configuration.bindMode(), "None", "NodeIP");
    requireWord(
        "spec.serviceLoadBalancerAggregation",
        configuration.serviceLoadBalancerAggregation(),
        "Enabled",
        "Disabled");
    requireWord(
        "spec.programClusterRoutes",
        configuration.programClusterRoutes(),
        "Enabled",
        "Disabled",
        "EnabledIPIPOnly",
        "EnabledNoEncapOnly");
    String severity = configuration.logSeverityScreen();
    require(
        !isGiven(severity)
            || SEVERITIES.contains(String.valueOf(severity).toLowerCase(Locale.ROOT)),
        "spec.logSeverityScreen",
        severity);
    configuration
        .ignoredInterfaces()
        .forEach(text -> requireInterfaces("spec.ignoredInterfaces", text));
    for (var list :
        List.of(
            configuration.serviceClusterIPs(),
            configuration.serviceExternalIPs(),
            configuration.serviceLoadBalancerIPs())) {
      list.forEach(entry -> requireCidr("spec.service…IPs", entry.cidr()));
    }
    configuration
        .communities()
        .forEach(named -> requireCommunity("spec.communities", named.value()));
    configuration
        .prefixAdvertisements()
        .forEach(entry -> requireCidr("spec.prefixAdvertisements", entry.cidr()));
    requireRange(
        "spec.ipv4NormalRoutePriority", configuration.ipv4NormalRoutePriority(), 1, PRIORITY_MAX);
    requireRange(
        "spec.ipv6NormalRoutePriority", configuration.ipv6NormalRoutePriority(), 1, PRIORITY_MAX);
  }

  static void check(BgpFilterSpec filter) {
    check("spec.exportV4", filter.exportV4(), IpFamily.IPV4);
    check("spec.importV4", filter.importV4(), IpFamily.IPV4);
    check("spec.exportV6", filter.exportV6(), IpFamily.IPV6);
    check("spec.importV6", filter.importV6(), IpFamily.IPV6);
  }

  private static void check(String path, List<BgpFilterSpec.Rule> rules, IpFamily family) {
    for (BgpFilterSpec.Rule rule : rules) {
      require(isGiven(rule.action()), path + ".action", rule.action());
      requireWord(path + ".action", rule.action(), "Accept", "Reject");
      require(
          isGiven(rule.cidr()) == isGiven(rule.matchOperator()),
          path + ".matchOperator",
          rule.matchOperator());
      if (isGiven(rule.cidr())) {
        Cidr network = requireCidr(path + ".cidr", rule.cidr());
        require(network.family() == family, path + ".cidr", rule.cidr());
      }
      requireWord(
          path + ".matchOperator", rule.matchOperator(), "Equal", "NotEqual", "In", "NotIn");
      if (rule.prefixLength() != null) {
        require(isGiven(rule.cidr()), path + ".prefixLength", "set without cidr");
        requireRange(path + ".prefixLength.min", rule.prefixLength().min(), 0, family.bits());
        requireRange(path + ".prefixLength.max", rule.prefixLength().max(), 0, family.bits());
      }
      requireWord(path + ".source", rule.source(), "RemotePeers");
      requireWord(path + ".peerType", rule.peerType(), "eBGP", "iBGP");
      if (isGiven(rule.interfaceName())) {
        requireInterfaces(path + ".interface", String.valueOf(rule.interfaceName()));
      }
      if (rule.communities() != null) {
        require(
            rule.communities().values().size() == 1,
            path + ".communities",
            rule.communities().values());
        requireCommunity(path + ".communities", rule.communities().values().get(0));
      }
      requireRange(path + ".priority", rule.priority(), 1, PRIORITY_MAX);
      require(
          rule.operations().isEmpty() || "Accept".equals(rule.action()),
          path + ".operations",
          rule.action());
      rule.operations().forEach(operation -> check(path + ".operations", operation));
    }
  }

  private static void check(String path, BgpFilterSpec.Operation operation) {
    if (operation.addCommunity() != null) {
      requireCommunity(path + ".addCommunity", operation.addCommunity().value());
    } else if (operation.setPriority() != null) {
      require(operation.setPriority().value() != null, path + ".setPriority", null);
      requireRange(path + ".setPriority", operation.setPriority().value(), 1, PRIORITY_MAX);
    } else {
      require(operation.prependASPath() != null, path, "empty");
    }
  }

  /** AS number 0 is reserved (RFC 7607): bird refuses a whole configuration that has it. */
  static void requireAs(String field, @Nullable AsNumber number) {
    require(number == null || number.value() != 0, field, String.valueOf(number));
  }

  private static void requirePassword(String field, @Nullable SecretKeySelector password) {
    if (password != null) {
      SecretKeySelector.KeyRef reference = password.secretKeyRef();
      require(
          reference != null && isGiven(reference.name()) && isGiven(reference.key()),
          field + ".secretKeyRef",
          reference);
    }
  }

  private static void requireDuration(String field, @Nullable String text) {
    require(
        !isGiven(text) || ValueType.duration().parse(String.valueOf(text)).isPresent(),
        field,
        text);
  }

  private static void requireAddress(String field, @Nullable String text) {
    require(!isGiven(text) || IpAddress.tryParse(String.valueOf(text)).isPresent(), field, text);
  }

  private static Cidr requireCidr(String field, @Nullable String text) {
    return StoredForm.requireNetwork(field, text);
  }

  private static void requireCommunity(String field, @Nullable String text) {
    require(Community.tryParse(String.valueOf(text)).isPresent(), field, text);
  }

  private static void requireInterfaces(String field, String text) {
    require(BgpValidator.INTERFACES.matcher(text).matches(), field, text);
  }

  private static void requireRange(String field, @Nullable Integer number, int least, int most) {
    require(number == null || number >= least && number <= most, field, number);
  }

  private static void requireWord(String field, @Nullable String text, String... words) {
    require(!isGiven(text) || List.of(words).contains(text), field, text);
  }
}
