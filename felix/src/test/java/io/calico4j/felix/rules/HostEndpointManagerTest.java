package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.HostEndpointBuilder;
import io.calico4j.core.testing.PolicyBuilder;
import io.calico4j.core.testing.Resources;
import io.calico4j.core.testing.RuleBuilder;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.rules.RecordingTable.Ruleset;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which interfaces host endpoints are for, and what their chains hold. */
class HostEndpointManagerTest {
  private static final String ACCEPTED = "meta mark and 0x00010000 != 0 ";
  private static final String CLEAR = "meta mark set meta mark and 0xfffcffff";
  private static final String TIER = "meta mark set meta mark and 0xfffdffff";
  private static final String KNOWN = "ct state established,related accept";
  private static final String INVALID = "jump filter-cali-hep-invalid";

  private final Calculation calculation =
      new Calculation("here", ValidationFilter.silent(), Set.of());
  private final RecordingTable table = new RecordingTable();
  private final RulesetManager manager = new RulesetManager(table);

  private void put(Resource<?> resource) {
    put(Resources.entry(resource, 7));
  }

  private void put(Entry entry) {
    assertThat(calculation.update(entry.key(), entry)).isTrue();
  }

  /** Puts what no builder makes. */
  private void damage(ResourceKind<?> kind, String name, String spec) {
    String json = "{'metadata':{'name':'" + name + "','labels':{'h':''}},'spec':" + spec + "}";
    put(new Entry(ResourceKey.of(kind, name).path(), json.replace('\'', '"'), 7));
  }

  private void profile(String name) {
    put(
        Resource.create(
            ResourceKind.PROFILE,
            Metadata.named(null, name),
            new ProfileSpec(Map.of(), List.of(), List.of())));
  }

  private static HostEndpointBuilder endpoint(String name) {
    return Resources.hostEndpoint(name, "here").labels(Map.of("h", ""));
  }

  private static PolicyBuilder policy(String name) {
    return Resources.policy(name).selecting("has(h)");
  }

  private static RuleBuilder allow() {
    return Resources.rule(Rule.Action.Allow);
  }

  private void addresses(String... namesAndAddresses) {
    Map<String, Set<IpAddress>> addresses = new TreeMap<>();
    for (String each : namesAndAddresses) {
      String[] parts = each.split("=", -1);
      addresses.put(parts[0], Set.of(IpAddress.parse(parts[1])));
    }
    assertThat(
            calculation.putInterfaces(
                addresses.entrySet().stream()
                    .map(e -> new HostInterface(e.getKey(), e.getValue()))
                    .collect(Collectors.toSet())))
        .isTrue();
  }

  private Ruleset build() {
    manager.accept(calculation.flush());
    return table.snapshot();
  }

  private List<String> chain(Direction direction, String name) {
    Ruleset ruleset = build();
    return ruleset.chains().get(ruleset.verdicts(direction).get(name));
  }

  /**
   * Endpoints as {@code name how-it-finds-interfaces}, where eth0 has 192.0.2.1 and eth1 192.0.2.2;
   * and which has which interface then.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a eth0 | eth0=a",
        "a not-there | not-there=a",
        "a eth0, b eth0 | eth0=a",
        "b eth0, a eth0 | eth0=a",
        "a 192.0.2.1 | eth0=a",
        "a 192.0.2.9 | ",
        "b eth0, a 192.0.2.1 | eth0=a",
        "a eth0, b 192.0.2.1 | eth0=a",
        "a *, b eth0 | *=a eth0=b",
        "b *, a * | *=a",
        "a eth0, b eth1 | eth0=a eth1=b"
      })
  void anEndpointIsForTheseInterfaces(String endpoints, String expected) {
    addresses("eth0=192.0.2.1", "eth1=192.0.2.2");
    for (String each : endpoints.split(", ", -1)) {
      String[] parts = each.split(" ", -1);
      // Each has a profile of its own that is not there: so its chain tells whose it is.
      profile(parts[0]);
      HostEndpointBuilder endpoint = endpoint(parts[0]).profiles(parts[0]);
      put(
          (parts[1].startsWith("192") ? endpoint.expecting(parts[1]) : endpoint.on(parts[1]))
              .build());
    }
    Ruleset ruleset = build();
    Map<String, String> owners = new TreeMap<>();
    ruleset
        .verdicts(Direction.FROM_HOST)
        .forEach((name, chain) -> owners.put(name, owner(ruleset.chains().get(chain))));
    List<String> any = ruleset.chains().get("filter-cali-from-hep-any");
    if (!any.isEmpty()) {
      owners.put("*", owner(ruleset.chains().get(any.get(0).substring("goto ".length()))));
    }
    assertThat(
            owners.entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(" ")))
        .isEqualTo(expected == null ? "" : expected);
    for (Direction direction : Direction.values()) {
      if (direction.name().contains("HOST")) {
        assertThat(ruleset.verdicts(direction).keySet())
            .as("an interface with an endpoint never comes to that of *, in no direction")
            .isEqualTo(ruleset.verdicts(Direction.FROM_HOST).keySet());
      }
    }
  }

  private static String owner(List<String> rules) {
    for (String name : List.of("a", "b")) {
      String key = ResourceKey.of(ResourceKind.PROFILE, name).path();
      if (rules.contains("jump " + PolicyManager.chain(key, true))) {
        return name;
      }
    }
    return "?";
  }

  @Test
  void anAddressThatMovesTakesTheEndpointWithIt() {
    put(endpoint("a").expecting("192.0.2.1").build());
    addresses("eth0=192.0.2.1");
    assertThat(build().verdicts(Direction.TO_HOST)).containsOnlyKeys("eth0");
    addresses("eth1=192.0.2.1");
    assertThat(build().verdicts(Direction.TO_HOST)).containsOnlyKeys("eth1");
    addresses("eth1=192.0.2.2");
    assertThat(build().verdicts(Direction.TO_HOST)).isEmpty();
  }

  @Test
  void withoutPolicyAndProfileTheHostIsClosedAndForwardingIsLeftAlone() {
    put(endpoint("a").on("eth0").build());
    assertThat(chain(Direction.FROM_HOST, "eth0"))
        .containsExactly(KNOWN, INVALID, "jump filter-cali-failsafe-in", CLEAR, "drop");
    assertThat(chain(Direction.TO_HOST, "eth0"))
        .containsExactly(KNOWN, INVALID, "jump filter-cali-failsafe-out", CLEAR, "drop");
    for (Direction direction :
        List.of(
            Direction.FROM_HOST_FORWARD,
            Direction.TO_HOST_FORWARD,
            Direction.FROM_HOST_UNTRACKED,
            Direction.TO_HOST_UNTRACKED,
            Direction.FROM_HOST_PRE_DNAT)) {
      assertThat(chain(direction, "eth0")).as(direction.name()).isEmpty();
    }
  }

  /** Which chains a policy is in: fh, th, forward ones, raw ones, mangle. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "plain | Ingress,Egress | FROM_HOST TO_HOST",
        "plain | Ingress | FROM_HOST",
        "onForward | Egress | TO_HOST TO_HOST_FORWARD",
        "onForward | Ingress,Egress | FROM_HOST TO_HOST FROM_HOST_FORWARD TO_HOST_FORWARD",
        "untracked | Ingress,Egress | FROM_HOST_UNTRACKED TO_HOST_UNTRACKED",
        "preDnat | Ingress | FROM_HOST_PRE_DNAT"
      })
  void aPolicyIsInTheListsOfItsKind(String policyKind, String types, String expected) {
    put(endpoint("a").on("eth0").build());
    PolicyBuilder policy = policy("p").types(types.split(",", -1));
    put(
        switch (policyKind) {
          case "onForward" -> policy.onForward().build();
          case "untracked" -> policy.untracked().build();
          case "preDnat" -> policy.preDnat().build();
          default -> policy.build();
        });
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "p").path();
    assertThat(
            List.of(Direction.values()).stream()
                .filter(direction -> direction.name().contains("HOST"))
                .filter(
                    direction ->
                        chain(direction, "eth0").stream()
                            .anyMatch(
                                rule ->
                                    rule.endsWith(PolicyManager.chain(key, true))
                                        || rule.endsWith(PolicyManager.chain(key, false))))
                .map(Direction::name)
                .collect(Collectors.joining(" ")))
        .isEqualTo(expected);
  }

  @Test
  void eachKindOfChainEndsInItsOwnWay() {
    profile("net");
    put(endpoint("a").on("eth0").profiles("net").build());
    put(policy("n").onForward().ingress(allow()).build());
    put(policy("u").untracked().ingress(allow()).build());
    put(policy("d").preDnat().ingress(allow()).build());
    String profile =
        "jump " + PolicyManager.chain(ResourceKey.of(ResourceKind.PROFILE, "net").path(), true);
    assertThat(chain(Direction.FROM_HOST, "eth0"))
        .containsExactly(
            KNOWN,
            INVALID,
            "jump filter-cali-failsafe-in",
            CLEAR,
            TIER,
            jump("n"),
            ACCEPTED + "accept",
            "meta mark and 0x00020000 == 0 drop",
            profile,
            ACCEPTED + "accept",
            "drop");
    assertThat(chain(Direction.FROM_HOST_FORWARD, "eth0"))
        .containsExactly(
            "ct state established,related return",
            INVALID,
            CLEAR,
            TIER,
            jump("n"),
            ACCEPTED + "return",
            "meta mark and 0x00020000 == 0 drop");
    assertThat(chain(Direction.FROM_HOST_UNTRACKED, "eth0"))
        .containsExactly(
            "jump raw-cali-failsafe-in",
            CLEAR,
            TIER,
            jump("u"),
            ACCEPTED + "meta mark set meta mark or 0x00040000 notrack accept");
    assertThat(chain(Direction.FROM_HOST_PRE_DNAT, "eth0"))
        .containsExactly(
            INVALID,
            "jump filter-cali-failsafe-in",
            CLEAR,
            TIER,
            jump("d"),
            ACCEPTED + "meta mark set meta mark or 0x00040000 accept");
  }

  private static String jump(String policy) {
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, policy).path();
    return "meta mark and 0x00020000 == 0 jump " + PolicyManager.chain(key, true);
  }

  @Test
  void failsafePortsAreGroupedByNetworkAndInRawTheirAnswersPassToo() {
    manager.configure(
        FelixConfig.resolve(
            List.of(
                FelixSource.environment(
                    Map.of(
                        "FELIX_FailsafeInboundHostPorts",
                        "tcp:22,tcp:10.0.0.0/8:80,179,22",
                        "FELIX_FailsafeOutboundHostPorts",
                        "udp:53,tcp:fd00::/8:9")))));
    Map<String, List<String>> chains = build().chains();
    List<String> in =
        List.of("ip saddr 10.0.0.0/8 tcp dport { 80 } accept", "tcp dport { 22, 179 } accept");
    List<String> out =
        List.of("ip6 daddr fd00::/8 tcp dport { 9 } accept", "udp dport { 53 } accept");
    assertThat(rest(chains.get("filter-cali-failsafe-in"))).isEqualTo(in);
    assertThat(rest(chains.get("filter-cali-failsafe-out"))).isEqualTo(out);
    assertThat(rest(chains.get("raw-cali-failsafe-in")))
        .startsWith(in.toArray(String[]::new))
        .endsWith("ip6 saddr fd00::/8 tcp sport { 9 } accept", "udp sport { 53 } accept");
    assertThat(rest(chains.get("raw-cali-failsafe-out")))
        .startsWith(out.toArray(String[]::new))
        .endsWith("ip daddr 10.0.0.0/8 tcp sport { 80 } accept", "tcp sport { 22, 179 } accept");
  }

  /** The first rule is for IPv6's neighbours. */
  private static List<String> rest(List<String> rules) {
    assertThat(rules.get(0)).startsWith("icmpv6 type { nd-");
    return rules.subList(1, rules.size());
  }

  /** Neither damage opens an interface. */
  @Test
  void whatIsDamagedCloses() {
    put(policy("n").ingress(allow()).build());
    damage(
        ResourceKind.HOST_ENDPOINT,
        "a",
        "{'node':'here','interfaceName':'eth0','profiles':['projectcalico-default-allow'],"
            + "'ports':7}");
    assertThat(chain(Direction.FROM_HOST, "eth0"))
        .endsWith(CLEAR, "drop comment \"it or a policy cannot be read\"");
    assertThat(chain(Direction.FROM_HOST_FORWARD, "eth0")).isEmpty();

    put(endpoint("a").on("eth0").profiles("projectcalico-default-allow").build());
    put(policy("u").untracked().ingress(allow()).build());
    assertThat(chain(Direction.FROM_HOST, "eth0")).endsWith("drop").contains(jump("n"));
    assertThat(chain(Direction.FROM_HOST_UNTRACKED, "eth0")).isNotEmpty();
    damage(ResourceKind.GLOBAL_NETWORK_POLICY, "n", "{'selector':'has(h)','ingress':7}");
    assertThat(chain(Direction.FROM_HOST, "eth0")).last().asString().startsWith("drop comment");
    assertThat(chain(Direction.FROM_HOST_UNTRACKED, "eth0")).isEmpty();
    assertThat(chain(Direction.FROM_HOST_FORWARD, "eth0")).isEmpty();
    damage(
        ResourceKind.GLOBAL_NETWORK_POLICY,
        "n",
        "{'selector':'has(h)','applyOnForward':true,'ingress':7}");
    assertThat(chain(Direction.FROM_HOST_FORWARD, "eth0"))
        .last()
        .asString()
        .startsWith("drop comment");
  }

  @Test
  void aNameThatIsNoInterfacesNeverReachesTheTable() {
    put(endpoint("a").on("eth*").build());
    put(endpoint("b").on("x; flush ruleset").build());
    Ruleset ruleset = build();
    assertThat(ruleset.verdicts(Direction.FROM_HOST)).isEmpty();
    assertThat(ruleset.chains().get("filter-cali-from-hep-any")).isEmpty();
  }

  @Test
  void selectorsSelectHostEndpointsOfAllNodes() {
    put(endpoint("a").on("eth0").build());
    put(
        Resources.hostEndpoint("b", "there")
            .labels(Map.of("h", ""))
            .on("x")
            .expecting("192.0.2.7")
            .port("web", Protocol.TCP, 80)
            .build());
    put(
        policy("p")
            .ingress(
                allow().protocol(Protocol.TCP).from("has(h)"),
                allow().protocol(Protocol.TCP).from("has(h)", "web"))
            .build());
    assertThat(build().sets().values())
        .anySatisfy(set -> assertThat(set).containsExactly("192.0.2.7"))
        .anySatisfy(set -> assertThat(set).containsExactly("192.0.2.7 . 6 . 80"));
  }
}
