package io.calico4j.felix.rules;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.AddressSets;
import io.calico4j.felix.calculation.ClusterState;
import io.calico4j.felix.calculation.FloatingAddresses;
import io.calico4j.felix.calculation.PolicyResolver;
import io.calico4j.felix.config.FelixConfig;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Renders all that a node must enforce: one chain per policy and profile, and one for all endpoints
 * to which the same of them apply in the same order, by direction.
 */
public final class RulesetBuilder {
  private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_.-]{1,15}");
  private static final String ALLOWED_SOURCES = "raw-cali-allowed-sources";

  /** Drops what is for an address that the host has on its loopback interface. */
  private static final String HOST_LOOPBACK = "raw-cali-host-loopback";

  private static final String DNAT = "nat-cali-dnat";
  private static final String SNAT = "nat-cali-snat";

  /** The chain that holds what happens to packets from a workload to its host. */
  public static final String TO_HOST = "filter-cali-wl-to-host-action";

  /**
   * The chain that every endpoint's begins with, from the workload: accepts what belongs to a known
   * connection, drops what belongs to none, clears the verdict's bits in the mark, and drops VXLAN
   * and IP in IP, which are the hosts' own.
   */
  public static final String FROM_CHECKS = "filter-cali-from-wl-checks";

  /** Like {@link #FROM_CHECKS}, to the workload, without the rules about encapsulation. */
  public static final String TO_CHECKS = "filter-cali-to-wl-checks";

  private final ClusterState state;
  private final String node;
  private final Set<Cidr> hostLoopback;
  private final String endpointToHostAction;
  private final AddressSets addresses;
  private final PolicyResolver resolver;
  private final Map<String, Ruleset.AddressSet> sets = new TreeMap<>();
  private final Map<String, List<String>> chains = new TreeMap<>();
  private final Map<List<String>, String> endpointChains = new HashMap<>();
  private final List<String> allowedSources = new ArrayList<>();
  private final List<String> dnat = new ArrayList<>();
  private final List<String> snat = new ArrayList<>();
  private final Map<String, String> owners = new TreeMap<>();
  private final RuleRenderer renderer;
  private final FloatingAddresses floating;

  /**
   * Makes a builder for one rendering of the present state.
   *
   * @param hostLoopback the addresses and networks of the host's loopback interface; those that are
   *     the node's own addresses are the host's, not the loopback's
   */
  public RulesetBuilder(
      ClusterState state, String node, FelixConfig config, Set<Cidr> hostLoopback) {
    this(state, node, config, hostLoopback, new FloatingAddresses(state, Set.of()));
  }

  /** Makes a builder that is told which floating addresses are put in force. */
  public RulesetBuilder(
      ClusterState state,
      String node,
      FelixConfig config,
      Set<Cidr> hostLoopback,
      FloatingAddresses floating) {
    this.floating = floating;
    this.state = state;
    this.node = node;
    this.hostLoopback = Set.copyOf(hostLoopback);
    endpointToHostAction = config.endpointToHostAction();
    addresses = new AddressSets(state);
    resolver = new PolicyResolver(state);
    renderer = new RuleRenderer(addresses, sets, config.logPrefix());
  }

  /**
   * Returns whose rules are in a chain that was rendered: a policy or a profile; else the chain.
   */
  public String ownerOf(String chain) {
    return owners.getOrDefault(chain, chain);
  }

  /** Renders the ruleset. */
  public Ruleset build() {
    Map<String, String> from = new TreeMap<>();
    Map<String, String> to = new TreeMap<>();
    for (Resource<WorkloadEndpointSpec> endpoint : state.endpoints().values()) {
      String name = endpoint.spec().interfaceName();
      if (!endpoint.spec().node().equals(node) || !isInterface(name)) {
        continue;
      }
      String fromChain = endpointChain("filter-cali-fw-", endpointRules(endpoint, false));
      String toChain = endpointChain("filter-cali-tw-", endpointRules(endpoint, true));
      allowedSources(endpoint.spec());
      floatingAddresses(endpoint);
      from.put(String.valueOf(name), fromChain);
      to.put(String.valueOf(name), toChain);
    }
    chains.put(TO_HOST, toHost());
    chains.put(ALLOWED_SOURCES, List.copyOf(allowedSources));
    chains.put(HOST_LOOPBACK, hostLoopback());
    chains.put(DNAT, List.copyOf(dnat));
    chains.put(SNAT, List.copyOf(snat));
    return new Ruleset(sets, chains, from, to);
  }

  private List<String> hostLoopback() {
    List<String> rules = new ArrayList<>();
    Set<IpAddress> own = state.nodeAddresses(node);
    SortedSet<Cidr> networks = new TreeSet<>();
    hostLoopback.stream().filter(network -> !network.isSingle()).forEach(networks::add);
    for (IpFamily family : IpFamily.values()) {
      SortedSet<String> members = new TreeSet<>();
      hostLoopback.stream()
          .filter(Cidr::isSingle)
          .map(Cidr::address)
          .filter(address -> address.family() == family && !own.contains(address))
          .forEach(address -> members.add(address.toString()));
      boolean v4 = family == IpFamily.IPV4;
      String set = v4 ? "cali40host-loopback" : "cali60host-loopback";
      sets.put(
          set,
          new Ruleset.AddressSet(v4 ? Ruleset.AddressSet.IPV4 : Ruleset.AddressSet.IPV6, members));
      rules.add(keyword(family) + " daddr @" + set + " drop");
    }
    own.stream()
        .filter(address -> networks.stream().anyMatch(network -> network.contains(address)))
        .sorted()
        .forEach(
            address -> rules.add(match(address.family(), "daddr", address.toString()) + " return"));
    for (Cidr network : networks) {
      rules.add(match(network.family(), "daddr", network.toString()) + " drop");
    }
    return rules;
  }

  /** Lets an endpoint send from networks that are not its own addresses. */
  private void allowedSources(WorkloadEndpointSpec endpoint) {
    for (String text : endpoint.allowSpoofedSourcePrefixes()) {
      Cidr.tryParse(text)
          .ifPresent(
              cidr ->
                  allowedSources.add(
                      "iifname \""
                          + endpoint.interfaceName()
                          + "\" "
                          + match(cidr.family(), "saddr", cidr.toString())
                          + " accept"));
    }
  }

  /**
   * Sends what comes from outside for a floating address to the endpoint, unless the address is one
   * of this host; what the endpoint sends to its own floating address comes back to it from there.
   */
  private void floatingAddresses(Resource<WorkloadEndpointSpec> endpoint) {
    for (WorkloadEndpointSpec.IpNat nat : floating.of(endpoint)) {
      IpAddress inside = IpAddress.parse(nat.internalIP());
      IpAddress outside = IpAddress.parse(nat.externalIP());
      IpFamily family = inside.family();
      String to = " " + keyword(family) + " to ";
      if (dnat.isEmpty()) {
        dnat.add("fib daddr type local return");
      }
      dnat.add(match(family, "daddr", outside.toString()) + " dnat" + to + inside);
      snat.add(
          match(family, "saddr", inside.toString())
              + " "
              + match(family, "daddr", inside.toString())
              + " snat"
              + to
              + outside);
    }
  }

  private static String keyword(IpFamily family) {
    return family == IpFamily.IPV4 ? "ip" : "ip6";
  }

  private static String match(IpFamily family, String field, String value) {
    return keyword(family) + " " + field + " " + value;
  }

  private static boolean isInterface(@Nullable String name) {
    return name != null && INTERFACE.matcher(name).matches();
  }

  private List<String> toHost() {
    return switch (endpointToHostAction) {
      case "ACCEPT" -> List.of("accept");
      case "RETURN" -> List.of("return");
      default -> List.of("drop");
    };
  }

  /** Returns the chain of these rules, which is named by what is in it. */
  private String endpointChain(String prefix, List<String> rules) {
    return endpointChains.computeIfAbsent(
        rules,
        r -> {
          String name = prefix + digest(String.join("\n", r));
          chains.put(name, r);
          return name;
        });
  }

  private List<String> endpointRules(Resource<WorkloadEndpointSpec> endpoint, boolean ingress) {
    List<String> lines = new ArrayList<>();
    lines.add("jump " + (ingress ? TO_CHECKS : FROM_CHECKS));
    Map<String, String> labels = addresses.labelsOf(endpoint);
    if (resolver.isClosed(labels, ingress)) {
      lines.add("drop comment \"a policy cannot be read\"");
      return lines;
    }
    for (PolicyResolver.AppliedTier tier : resolver.tiers(labels, ingress)) {
      lines.add("meta mark set meta mark and 0xfffdffff");
      for (Resource<PolicySpec> policy : tier.policies()) {
        lines.add(
            "meta mark and " + RuleRenderer.PASS_BIT + " == 0 jump " + policy(policy, ingress));
        lines.add("meta mark and " + RuleRenderer.ACCEPT_BIT + " != 0 return");
      }
      if (!tier.passAtEnd()) {
        lines.add("meta mark and " + RuleRenderer.PASS_BIT + " == 0 drop");
      }
    }
    for (String profile : endpoint.spec().profiles()) {
      Resource<ProfileSpec> resource = state.profiles().get(profile);
      if (resource == null) {
        lines.add("drop comment \"a profile is missing\"");
        return lines;
      }
      lines.add("jump " + profile(resource, ingress));
      lines.add("meta mark and " + RuleRenderer.ACCEPT_BIT + " != 0 return");
    }
    lines.add("drop");
    return lines;
  }

  private String policy(Resource<PolicySpec> policy, boolean ingress) {
    String chain = (ingress ? "filter-cali-pi-" : "filter-cali-po-") + digest(policy.key().path());
    owners.put(chain, policy.key().toString());
    chains.computeIfAbsent(
        chain,
        c -> renderer.render(policy, ingress ? policy.spec().ingress() : policy.spec().egress()));
    return chain;
  }

  private String profile(Resource<ProfileSpec> profile, boolean ingress) {
    String chain =
        (ingress ? "filter-cali-pri-" : "filter-cali-pro-") + digest(profile.key().path());
    owners.put(chain, profile.key().toString());
    chains.computeIfAbsent(
        chain,
        c ->
            renderer.render(profile, ingress ? profile.spec().ingress() : profile.spec().egress()));
    return chain;
  }

  /** Chain names hold no text from outside, whatever a resource is called. */
  private static String digest(String text) {
    try {
      byte[] sha =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sha, 0, 10);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
