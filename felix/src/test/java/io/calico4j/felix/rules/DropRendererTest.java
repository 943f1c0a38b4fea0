package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.Resources;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.rules.DenialNames.Place;
import io.calico4j.felix.rules.RecordingTable.Ruleset;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where policy drops, a line before says so, and its prefix is known. */
class DropRendererTest {
  private static final Pattern LOGGED =
      Pattern.compile(
          "(.*)limit rate 50/second burst 50 packets log prefix \"([^\"]*)\" group 145 snaplen 128");

  /** Longer than a prefix may be. */
  private static final String LONG = "p".repeat(200);

  private static final FelixConfig ON =
      FelixConfig.resolve(
          List.of(FelixSource.environment(Map.of("FELIX_FlowLogsLocalReporter", "Enabled"))));

  private final Calculation calculation =
      new Calculation("here", ValidationFilter.silent(), Set.of());
  private final RecordingTable table = new RecordingTable();
  private final RulesetManager manager = new RulesetManager(table);

  @BeforeEach
  void aWorkloadAndAHostEndpoint() {
    workload("['gone']");
    put(
        Resources.hostEndpoint("host", "here")
            .labels(Map.of("web", ""))
            .on("eth0")
            .profiles("some")
            .build());
    put(
        Resource.create(
            ResourceKind.PROFILE,
            Metadata.named(null, "some"),
            new ProfileSpec(Map.of(), List.of(), List.of())));
    put(
        Resources.policy(LONG)
            .selecting("has(web)")
            .types("Ingress")
            .ingress(
                Resources.rule(Rule.Action.Pass).fromNets("10.9.0.0/16"),
                Resources.rule(Rule.Action.Deny).fromNets("10.0.0.0/8", "fd00::/8"))
            .build());
  }

  private void workload(String profiles) {
    put(
        "/calico/resources/v3/projectcalico.org/workloadendpoints/default/here-cni-c-eth0",
        "{'apiVersion':'projectcalico.org/v3','kind':'WorkloadEndpoint','metadata':{'name':"
            + "'here-cni-c-eth0','namespace':'default','labels':{'web':''}},'spec':{'node':'here',"
            + "'orchestrator':'cni','containerID':'c','endpoint':'eth0','ipNetworks':"
            + "['10.65.0.1/32'],'profiles':"
            + profiles
            + ",'interfaceName':'cali1'}}");
  }

  private void put(Resource<?> resource) {
    assertThat(calculation.update(Resources.entry(resource, 7).key(), Resources.entry(resource, 7)))
        .isTrue();
  }

  private void put(String key, String json) {
    assertThat(calculation.update(key, new Entry(key, json.replace('\'', '"'), 7))).isTrue();
  }

  private Ruleset build() {
    manager.accept(calculation.flush());
    return table.snapshot();
  }

  /** Returns the places where the chains log, each with what the line matches. */
  private static Stream<Matcher> logged(List<String> chain) {
    return chain.stream().map(LOGGED::matcher).filter(Matcher::matches);
  }

  private List<String> places(List<String> chain) {
    return logged(chain)
        .map(line -> manager.denials().find(line.group(2)).orElseThrow())
        .map(place -> (place.ingress() ? "in " : "out ") + place.policy() + " " + place.rule())
        .toList();
  }

  private static List<String> chain(Ruleset rules, Direction direction, String name) {
    return rules.chains().get(rules.verdicts(direction).get(name));
  }

  @Test
  void everyDropOfPolicyIsLoggedBefore() {
    manager.configure(ON);
    Ruleset rules = build();
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, LONG).path();
    List<String> policy = rules.chains().get(PolicyManager.chain(key, true));
    String name = "GlobalNetworkPolicy(" + LONG + ")";
    assertThat(places(policy)).containsExactly("in " + name + " 2", "in " + name + " 2");
    assertThat(policy.get(1)).startsWith("meta nfproto ipv4 ip saddr 10.0.0.0/8 limit rate ");
    assertThat(policy.get(2)).isEqualTo("meta nfproto ipv4 ip saddr 10.0.0.0/8 drop");

    assertThat(places(chain(rules, Direction.TO_WORKLOAD, "cali1")))
        .containsExactly("in Tier(default) end", "in profiles missing");
    assertThat(places(chain(rules, Direction.FROM_WORKLOAD, "cali1")))
        .containsExactly("out profiles missing");
    assertThat(places(chain(rules, Direction.FROM_HOST, "eth0")))
        .containsExactly("in Tier(default) end", "in profiles end");
    assertThat(places(chain(rules, Direction.TO_HOST, "eth0"))).containsExactly("out profiles end");
  }

  /** A line that logs is followed by one that drops the same packets, however many there are. */
  @Test
  void aDropDoesNotDependOnTheLimit() {
    manager.configure(ON);
    build()
        .chains()
        .values()
        .forEach(
            chain -> {
              for (int i = 0; i < chain.size(); i++) {
                Matcher line = LOGGED.matcher(chain.get(i));
                if (line.matches()) {
                  assertThat(chain.get(i + 1)).startsWith(line.group(1) + "drop");
                  assertThat(line.group(2).length()).isLessThanOrEqualTo(64);
                }
              }
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'action':'Allow','destination':{'ports':[80]}} | in GlobalNetworkPolicy(q) 1",
        "{'action':'Deny','ipVersion':4} | in GlobalNetworkPolicy(q) 1",
        "{'action':'Log'} | ",
      })
  void rulesOfAPolicy(String rule, String expected) {
    manager.configure(ON);
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "q").path();
    put(
        key,
        "{'apiVersion':'projectcalico.org/v3','kind':'GlobalNetworkPolicy','metadata':{'name':"
            + "'q'},'spec':{'selector':'has(web)','types':['Ingress'],'ingress':["
            + rule
            + "]}}");
    List<String> places = places(build().chains().get(PolicyManager.chain(key, true)));
    assertThat(String.join(",", places)).isEqualTo(expected == null ? "" : expected);
  }

  @Test
  void aDamagedPolicyIsNamedSo() {
    manager.configure(ON);
    put(
        ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "broken").path(),
        "{'metadata':{'name':'broken'},'spec':{'selector':7,'applyOnForward':true}}");
    Ruleset rules = build();
    assertThat(places(chain(rules, Direction.TO_WORKLOAD, "cali1")))
        .containsExactly("in damaged closed");
    assertThat(places(chain(rules, Direction.TO_HOST_FORWARD, "eth0")))
        .containsExactly("out damaged closed");
  }

  @Test
  void itIsSwitchedLiveAndLeavesNothing() {
    Ruleset off = build();
    assertThat(off.chains().values().stream().flatMap(DropRendererTest::logged)).isEmpty();
    manager.configure(ON);
    Ruleset on = build();
    assertThat(on.chains().values().stream().flatMap(DropRendererTest::logged)).hasSize(8);
    manager.configure(FelixConfig.DEFAULTS);
    assertThat(build()).isEqualTo(off);
    manager.configure(ON.withoutFlowLogs());
    assertThat(build()).isEqualTo(off);
  }

  @Test
  void prefixesAndInterfacesHaveNames() {
    manager.configure(ON);
    Ruleset rules = build();
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, LONG).path();
    String prefix =
        logged(rules.chains().get(PolicyManager.chain(key, true)))
            .map(line -> line.group(2))
            .findFirst()
            .orElseThrow();
    DenialNames names = manager.denials();
    String workload = "WorkloadEndpoint(default/here-cni-c-eth0)";
    assertThat(names.endpoint(true, "eth0", "cali1")).isEqualTo(workload);
    assertThat(names.endpoint(false, "cali1", "eth0")).isEqualTo(workload);
    assertThat(names.endpoint(true, "eth0", "")).isEqualTo("HostEndpoint(host)");
    assertThat(names.endpoint(true, "eth7", "cali9")).isEqualTo("-");
    assertThat(names.find("of another program")).isEmpty();
    assertThat(calculation.update(key, null)).isTrue();
    assertThat(build().chains()).doesNotContainKey(PolicyManager.chain(key, true));
    assertThat(names.find(prefix)).isEqualTo(Optional.of(new Place(true, "removed", "2")));
  }
}
