package io.calico4j.core.resource;

import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.IpReservationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.TierSpec;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.net.MacAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What upstream refuses to write ({@code libcalico-go/lib/validator/v3} and the clients of {@code
 * libcalico-go/lib/clientv3}), as far as one resource alone can tell. What is read is not checked
 * again: a reader survives what other versions wrote.
 */
public final class ResourceValidator {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");
  private static final String NAME_TEXT = "1 to 253 lower-case letters, digits, dots and dashes";
  private static final Pattern LOOSE_NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?");
  private static final String LOOSE_NAME_TEXT = "1 to 253 letters, digits, dots, _ and dashes";
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final Pattern LABEL =
      Pattern.compile(
          "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
  private static final Pattern LABEL_VALUE =
      Pattern.compile("([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?");
  private static final Pattern INTERFACE = Pattern.compile("[a-zA-Z0-9_.-]{1,15}");
  private static final Pattern HOST_INTERFACE = Pattern.compile("\\*|[a-zA-Z0-9_.-]{1,15}");
  private static final Pattern PORT_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

  /** A Go duration, or seconds. */
  static final Pattern DURATION =
      Pattern.compile("([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+|[0-9]+(\\.[0-9]+)?");

  private static final Cidr LINK_LOCAL_4 = Cidr.parse("169.254.0.0/16");
  private static final Cidr LINK_LOCAL_6 = Cidr.parse("fe80::/10");

  /** Tiers that always are, with the order and action that nobody may change. */
  public static final Map<String, TierSpec> FIXED_TIERS =
      Map.of(
          "default", new TierSpec(1_000_000d, "Deny"),
          "kube-admin", new TierSpec(1_000d, "Pass"),
          "kube-baseline", new TierSpec(10_000_000d, "Pass"));

  private final Problems problems = new Problems();

  private ResourceValidator() {}

  /**
   * Checks a resource; it makes no difference whether its defaults are filled in.
   *
   * @throws ValidationException listing every problem with its field path
   */
  public static void check(Resource<?> resource) throws ValidationException {
    ResourceValidator validator = new ResourceValidator();
    validator.metadata(resource.kind(), resource.metadata());
    validator.spec(resource);
    validator.problems.fail(resource.kind().kind() + "(" + resource.metadata().name() + ")");
  }

  private void metadata(ResourceKind<?> kind, Metadata metadata) {
    boolean loose =
        kind.equals(ResourceKind.PROFILE) || kind.equals(ResourceKind.WORKLOAD_ENDPOINT);
    String name = String.valueOf(metadata.name());
    problems.form(
        "metadata.name", name, loose ? LOOSE_NAME : NAME, loose ? LOOSE_NAME_TEXT : NAME_TEXT);
    if (kind.equals(ResourceKind.TIER)) {
      problems.form("metadata.name", name, NAMESPACE, "1 to 63 lower-case letters, digits, dashes");
    }
    if (kind.specType().equals(PolicySpec.class) && name.startsWith("knp.")) {
      problems.add(
          "metadata.name", "\"" + name + "\" begins as those of Kubernetes: choose another");
    }
    if (kind.equals(ResourceKind.GLOBAL_NETWORK_SET)
        && metadata.labels().containsKey("projectcalico.org/namespace")) {
      problems.add("metadata.labels", "projectcalico.org/namespace is for sets of a namespace");
    }
    boolean single = kind.equals(ResourceKind.CLUSTER_INFORMATION);
    boolean perNode =
        kind.equals(ResourceKind.BGP_CONFIGURATION)
            || kind.equals(ResourceKind.FELIX_CONFIGURATION);
    if (single && !name.equals("default")) {
      problems.add("metadata.name", "\"" + name + "\" must be default: there is only one");
    }
    if (perNode && name.startsWith("node.") && name.length() == "node.".length()) {
      problems.add("metadata.name", "\"" + name + "\" must name a node, such as node.host-a");
    }
    String namespace = metadata.namespace();
    if (namespace != null && !kind.namespaced()) {
      problems.add("metadata.namespace", "a " + kind.kind() + " has none: remove it");
    } else {
      problems.form(
          "metadata.namespace",
          namespace,
          NAMESPACE,
          "1 to 63 lower-case letters, digits and dashes");
    }
    labels("metadata.labels", metadata.labels());
    metadata
        .annotations()
        .keySet()
        .forEach(
            key ->
                problems.form(
                    "metadata.annotations", key, LABEL, "a name such as example.org/purpose"));
  }

  private void labels(String path, Map<String, String> labels) {
    labels.forEach(
        (key, value) -> {
          problems.form(path, key, LABEL, "a label's name such as role or example.org/role");
          problems.form(
              path + "[" + key + "]",
              value,
              LABEL_VALUE,
              "at most 63 letters, digits and ._- with a letter or digit at both ends");
        });
  }

  private void spec(Resource<?> resource) {
    Object spec = resource.spec();
    String name = resource.metadata().name();
    if (spec instanceof IpPoolSpec pool) {
      pool(pool);
    } else if (spec instanceof IpReservationSpec reservation) {
      problems.cidrs("spec.reservedCIDRs", reservation.reservedCIDRs());
    } else if (spec instanceof PolicySpec policy) {
      new PolicyValidator(problems).policy(resource.kind(), policy);
    } else if (spec instanceof ProfileSpec profile) {
      labels("spec.labelsToApply", profile.labelsToApply());
      new PolicyValidator(problems).profile(profile);
    } else if (spec instanceof TierSpec tier) {
      tier(name, tier);
    } else if (spec instanceof NetworkSetSpec set) {
      problems.cidrs("spec.nets", set.nets());
    } else if (spec instanceof HostEndpointSpec endpoint) {
      hostEndpoint(endpoint);
    } else if (spec instanceof WorkloadEndpointSpec endpoint) {
      workloadEndpoint(name, endpoint);
    } else if (spec instanceof NodeSpec node) {
      node(node);
    } else if (spec instanceof BgpPeerSpec peer) {
      new BgpValidator(problems).peer(peer);
    } else if (spec instanceof BgpConfigurationSpec configuration) {
      new BgpValidator(problems).configuration(name, configuration);
    } else if (spec instanceof BgpFilterSpec filter) {
      new BgpValidator(problems).filter(filter);
    } else if (spec instanceof FelixConfigurationSpec configuration) {
      felixConfiguration(configuration);
    }
  }

  private void pool(IpPoolSpec pool) {
    problems.selector("spec.nodeSelector", pool.nodeSelector());
    problems.selector("spec.namespaceSelector", pool.namespaceSelector());
    boolean ipip = !"Never".equals(Objects.requireNonNullElse(pool.ipipMode(), "Never"));
    boolean vxlan = !"Never".equals(Objects.requireNonNullElse(pool.vxlanMode(), "Never"));
    if (ipip && vxlan) {
      problems.add("spec.ipipMode", "and vxlanMode exclude each other: one must be Never");
    }
    allowedUses(pool, ipip || vxlan);
    if (!problems.required("spec.cidr", pool.cidr())) {
      return;
    }
    Cidr network = problems.cidr("spec.cidr", pool.cidr()).orElse(null);
    if (network == null) {
      return;
    }
    if (!isMasked(pool.cidr(), network)) {
      problems.add("spec.cidr", "\"" + pool.cidr() + "\" is not canonical: write it as " + network);
    }
    if (network.overlaps(LINK_LOCAL_4) || network.overlaps(LINK_LOCAL_6)) {
      problems.add("spec.cidr", network + " overlaps the link-local addresses");
    }
    if (ipip && !network.address().isV4()) {
      problems.add("spec.ipipMode", "is for IPv4 pools only, " + network + " is IPv6");
    }
    blockSize(pool, network);
  }

  /** How an address is spelt makes no difference; whether it has bits of hosts does. */
  private static boolean isMasked(String text, Cidr network) {
    int slash = text.indexOf('/');
    return slash > 0
        && IpAddress.tryParse(text.substring(0, slash))
            .filter(network.address()::equals)
            .isPresent();
  }

  private void blockSize(IpPoolSpec pool, Cidr network) {
    int size = pool.effectiveBlockSize();
    boolean v4 = network.address().isV4();
    if (v4 ? size < 20 || size > 32 : size < 116 || size > 128) {
      problems.add("spec.blockSize", size + " is not within " + (v4 ? "20 to 32" : "116 to 128"));
    } else if (size < network.prefix() && pool.enabled()) {
      problems.add("spec.cidr", network + " is smaller than a block of /" + size);
    }
  }

  private void allowedUses(IpPoolSpec pool, boolean encapsulated) {
    List<String> uses =
        pool.allowedUses() == null || pool.allowedUses().isEmpty()
            ? List.of("Workload", "Tunnel")
            : pool.allowedUses();
    for (String use : uses) {
      if (!List.of("Workload", "Tunnel", "LoadBalancer").contains(use)) {
        problems.add(
            "spec.allowedUses", "\"" + use + "\" is none of Workload, Tunnel and LoadBalancer");
      }
    }
    if (uses.contains("Tunnel")
        && pool.namespaceSelector() != null
        && !pool.namespaceSelector().isEmpty()) {
      problems.add("spec.namespaceSelector", "a pool for tunnels cannot be bound to namespaces");
    }
    if (uses.contains("LoadBalancer")) {
      if (uses.size() > 1) {
        problems.add("spec.allowedUses", "LoadBalancer cannot be mixed with other uses");
      }
      if (encapsulated) {
        problems.add("spec.allowedUses", "LoadBalancer needs ipipMode and vxlanMode Never");
      }
      if (!"all()".equals(Objects.requireNonNullElse(pool.nodeSelector(), "all()"))) {
        problems.add("spec.nodeSelector", "must be all() for a LoadBalancer pool");
      }
      if (Boolean.TRUE.equals(pool.disableBGPExport())) {
        problems.add("spec.disableBGPExport", "must not be true for a LoadBalancer pool");
      }
    }
  }

  private void tier(String name, TierSpec tier) {
    TierSpec fixed = FIXED_TIERS.get(name);
    if (fixed != null) {
      if (tier.order() != null && !tier.order().equals(fixed.order())) {
        problems.add("spec.order", "tier " + name + " always has order " + fixed.order());
      }
      if (tier.defaultAction() != null && !tier.defaultAction().equals(fixed.defaultAction())) {
        problems.add("spec.defaultAction", "tier " + name + " always has " + fixed.defaultAction());
      }
    }
  }

  private void hostEndpoint(HostEndpointSpec endpoint) {
    problems.required("spec.node", endpoint.node());
    problems.form(
        "spec.interfaceName",
        endpoint.interfaceName(),
        HOST_INTERFACE,
        "an interface's name of at most 15 characters, nor *");
    if (endpoint.interfaceName() == null && endpoint.expectedIPs().isEmpty()) {
      problems.add("spec.interfaceName", "is missing: give it or expectedIPs");
    }
    endpoint
        .profiles()
        .forEach(name -> problems.form("spec.profiles", name, LOOSE_NAME, LOOSE_NAME_TEXT));
    endpoint.expectedIPs().forEach(ip -> problems.address("spec.expectedIPs", ip));
    ports(endpoint.ports());
  }

  private void ports(List<WorkloadEndpointSpec.NamedPort> ports) {
    for (int i = 0; i < ports.size(); i++) {
      WorkloadEndpointSpec.NamedPort port = ports.get(i);
      String at = "spec.ports[" + i + "]";
      problems.form(at + ".name", port.name(), PORT_NAME, "1 to 128 letters, digits and _.-");
      if (port.protocol() == null || !port.protocol().hasPorts()) {
        problems.add(at + ".protocol", "must be TCP, UDP or SCTP");
      }
      if (port.port() < 1 || port.port() > 65535) {
        problems.add(at + ".port", port.port() + " is not within 1 to 65535");
      }
    }
  }

  private void workloadEndpoint(String name, WorkloadEndpointSpec endpoint) {
    try {
      String expected = WorkloadEndpointName.of(endpoint).toString();
      if (!expected.equals(name)) {
        problems.add("metadata.name", "\"" + name + "\" must be " + expected + ", from the spec");
      }
    } catch (IllegalArgumentException e) {
      problems.add("spec", String.valueOf(e.getMessage()));
    }
    if (problems.required("spec.interfaceName", endpoint.interfaceName())) {
      problems.form(
          "spec.interfaceName",
          endpoint.interfaceName(),
          INTERFACE,
          "an interface's name of at most 15 characters");
    }
    mac("spec.mac", endpoint.mac());
    Set<IpAddress> own = new HashSet<>();
    for (int i = 0; i < endpoint.ipNetworks().size(); i++) {
      String at = "spec.ipNetworks[" + i + "]";
      Optional<Cidr> network = problems.cidr(at, endpoint.ipNetworks().get(i));
      if (network.isPresent() && !network.get().isSingle()) {
        problems.add(at, network.get() + " must be one address: /32 or /128");
      }
      network.ifPresent(n -> own.add(n.address()));
    }
    for (int i = 0; i < endpoint.ipNATs().size(); i++) {
      nat("spec.ipNATs[" + i + "]", endpoint.ipNATs().get(i), own);
    }
    problems.cidrs("spec.allowSpoofedSourcePrefixes", endpoint.allowSpoofedSourcePrefixes());
    ports(endpoint.ports());
  }

  private void nat(String path, WorkloadEndpointSpec.IpNat nat, Set<IpAddress> own) {
    boolean both =
        problems.required(path + ".internalIP", nat.internalIP())
            & problems.required(path + ".externalIP", nat.externalIP());
    if (!both) {
      return;
    }
    Optional<IpAddress> internal = problems.address(path + ".internalIP", nat.internalIP());
    Optional<IpAddress> external = problems.address(path + ".externalIP", nat.externalIP());
    if (internal.isPresent() && !own.contains(internal.get())) {
      problems.add(path + ".internalIP", internal.get() + " is none of the endpoint's addresses");
    }
    if (internal.isPresent()
        && external.isPresent()
        && internal.get().family() != external.get().family()) {
      problems.add(path, "maps one address family to the other");
    }
  }

  private void mac(String path, @Nullable String text) {
    if (text == null || text.isEmpty()) {
      return;
    }
    try {
      MacAddress unused = new MacAddress(text);
    } catch (IllegalArgumentException e) {
      problems.add(path, String.valueOf(e.getMessage()));
    }
  }

  private void node(NodeSpec node) {
    NodeSpec.Bgp bgp = node.bgp();
    if (bgp != null) {
      if (bgp.ipv4Address() == null && bgp.ipv6Address() == null) {
        problems.add("spec.bgp", "needs ipv4Address or ipv6Address");
      }
      ofFamily("spec.bgp.ipv4Address", bgp.ipv4Address(), IpFamily.IPV4, true);
      ofFamily("spec.bgp.ipv6Address", bgp.ipv6Address(), IpFamily.IPV6, true);
      ofFamily("spec.bgp.ipv4IPIPTunnelAddr", bgp.ipv4IPIPTunnelAddr(), IpFamily.IPV4, false);
      ofFamily(
          "spec.bgp.routeReflectorClusterID", bgp.routeReflectorClusterID(), IpFamily.IPV4, false);
    }
    ofFamily("spec.ipv4VXLANTunnelAddr", node.ipv4VXLANTunnelAddr(), IpFamily.IPV4, false);
    ofFamily("spec.ipv6VXLANTunnelAddr", node.ipv6VXLANTunnelAddr(), IpFamily.IPV6, false);
    mac("spec.vxlanTunnelMACAddr", node.vxlanTunnelMACAddr());
    mac("spec.vxlanTunnelMACAddrV6", node.vxlanTunnelMACAddrV6());
    for (NodeSpec.Address address : node.addresses()) {
      Optional<Cidr> unused = problems.cidr("spec.addresses", String.valueOf(address.address()));
    }
  }

  private void ofFamily(String path, @Nullable String text, IpFamily family, boolean prefix) {
    if (text == null || text.isEmpty()) {
      return;
    }
    if (text.indexOf('/') >= 0 && !prefix) {
      problems.add(path, "\"" + text + "\" is not an IP address");
      return;
    }
    problems
        .cidr(path, text)
        .filter(cidr -> cidr.family() != family)
        .ifPresent(cidr -> problems.add(path, text + " is not " + family.keyName()));
  }

  private void felixConfiguration(FelixConfigurationSpec configuration) {
    Map<String, Function<FelixConfigurationSpec, @Nullable String>> durations =
        Map.of(
            "reportingInterval", FelixConfigurationSpec::reportingInterval,
            "nftablesRefreshInterval", FelixConfigurationSpec::nftablesRefreshInterval,
            "routeRefreshInterval", FelixConfigurationSpec::routeRefreshInterval);
    durations.forEach(
        (field, value) ->
            problems.form(
                "spec." + field,
                value.apply(configuration),
                DURATION,
                "a duration such as 90s or 1m30s"));
    problems.form(
        "spec.interfacePrefix",
        configuration.interfacePrefix(),
        Pattern.compile("[a-zA-Z0-9_-]{1,15}(,[a-zA-Z0-9_-]{1,15})*"),
        "a list of interface prefixes such as cali,tap");
  }
}
