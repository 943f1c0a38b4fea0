package io.calico4j.felix.calculation;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.DamagedValues;
import io.calico4j.felix.rules.RecordingTable;
import io.calico4j.felix.rules.RecordingTable.Ruleset;
import io.calico4j.felix.rules.RulesetManager;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged resources beside two endpoints of this node: one with label a=b, which a policy admits a
 * port to, and one that nothing selects and no profile opens.
 */
class DamagedStateTest {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  /** Every plugin writes it. */
  private static final String NAMESPACE = "'projectcalico.org/namespace':'default'";

  private final ValidationFilter filter = new ValidationFilter(damage -> {});
  private final Calculation calculation = new Calculation("here", filter, Set.of());
  private final RecordingTable table = new RecordingTable();
  private final RulesetManager manager = new RulesetManager(table);
  private Ruleset before;

  static List<ResourceKind<?>> kinds() {
    return DamagedValues.kinds();
  }

  @BeforeEach
  void twoEndpointsAndAPolicy() {
    endpoint("selected", "cali1", "10.65.0.1/32", "{'a':'b'," + NAMESPACE + "}");
    endpoint("closed", "cali2", "10.65.0.2/32", "{" + NAMESPACE + "}");
    policy("good", "{'selector':'a == ^b^','ingress':[{'action':'Allow','protocol':'TCP'}]}");
    before = render();
  }

  private void put(String path, String json) {
    boolean unused = calculation.update(path, new Entry(path, json, 7));
  }

  private void endpoint(String container, String link, String cidr, String labels) {
    String name = "here-cni-" + container + "-eth0";
    put(
        ROOT + "workloadendpoints/default/" + name,
        ("{'metadata':{'name':'"
                + name
                + "','namespace':'default','labels':"
                + labels
                + "},'spec':{'node':'here','orchestrator':'cni','containerID':'"
                + container
                + "','endpoint':'eth0','ipNetworks':['"
                + cidr
                + "'],'interfaceName':'"
                + link
                + "'}}")
            .replace('\'', '"'));
  }

  /** Writes a policy whose JSON has single quotes, and carets for the quotes inside selectors. */
  private void policy(String name, String spec) {
    put(
        ROOT + "globalnetworkpolicies/" + name,
        ("{'metadata':{'name':'" + name + "'},'spec':" + spec + "}")
            .replace('\'', '"')
            .replace('^', '\''));
  }

  private Ruleset render() {
    manager.accept(calculation.flush());
    return table.snapshot();
  }

  /** The rules that a packet to an interface meets, those of its policies included. */
  private static List<String> rules(Ruleset ruleset, String link) {
    return ruleset.chains().get(ruleset.toWorkload().get(link));
  }

  private static boolean isClosed(Ruleset ruleset, String link) {
    List<String> rules = rules(ruleset, link);
    return rules.get(1).startsWith("drop");
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void nothingEndsAndNothingOpens(ResourceKind<?> kind) {
    for (Entry entry : DamagedValues.of(kind, "d")) {
      boolean unused = calculation.update(entry.key(), entry);
      Ruleset now = render();
      if (filter.damaged().containsKey(entry.key())) {
        for (String link : List.of("cali1", "cali2")) {
          assertThat(rules(now, link).equals(rules(before, link)) || isClosed(now, link))
              .as("%s with %s", link, entry.value())
              .isTrue();
        }
      }
      assertThat(now.toWorkload()).containsKeys("cali1", "cali2");
      calculation.update(entry.key(), null);
    }
    assertThat(render()).isEqualTo(before);
    assertThat(filter.damaged()).isEmpty();
  }

  /** A damaged policy closes what it may select, and nothing else. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "all of the cluster | {'selector':'a ==','ingress':[{'action':'Allow'}]} | true | true",
        "all of the cluster | {'selector':7,'types':['Ingress']} | true | true",
        "its selector's | {'selector':'a == ^b^','ingress':[{'action':'Perhaps'}]} | true | false",
        "its selector's | {'selector':'a == ^x^','ingress':7} | false | false",
        "the other direction | {'selector':'all()','types':['Egress'],'order':'x'} | false | false",
        "of namespaces | {'namespaceSelector':'x ==','selector':'a == ^b^'} | true | false",
        "of accounts | {'serviceAccountSelector':'x ==','ingress':[]} | true | true",
      })
  void aDamagedPolicyCloses(String what, String spec, boolean selected, boolean other) {
    String key = ROOT + "globalnetworkpolicies/broken";
    policy("broken", spec);
    Ruleset now = render();
    assertThat(filter.damaged()).as(what).containsKey(key);
    assertThat(isClosed(now, "cali1")).isEqualTo(selected);
    assertThat(isClosed(now, "cali2") && !rules(now, "cali2").equals(rules(before, "cali2")))
        .isEqualTo(other);
  }

  @Test
  void aPolicyOfANamespaceClosesItsNamespaceOnly() {
    put(ROOT + "networkpolicies/elsewhere/broken", "{");
    assertThat(render()).isEqualTo(before);
    put(ROOT + "networkpolicies/default/broken", "{");
    assertThat(isClosed(render(), "cali1")).isTrue();
  }

  /** A rule that nft would refuse, or that cannot be read, drops; it never vanishes. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'action':'Allow','protocol':'TCP','icmp':{'type':8}}",
        "{'action':'Deny','icmp':{'type':8}}",
        "{'action':'Deny','protocol':'ICMP','icmp':{'type':300}}",
        "{'action':'Deny','protocol':'ICMP','icmp':{'code':1}}",
        "{'action':'Allow','protocol':'ICMP','destination':{'ports':[80]}}",
        "{'action':'Allow','protocol':'ICMP','destination':{'ports':['web']}}",
        "{'action':'Allow','ipVersion':5}",
        "{'action':'Allow','source':{'nets':['10.0.0.0/99']}}",
        "{'action':'Allow','source':{'selector':'a =='}}",
        "{'action':'Allow','source':{'notSelector':'a =='}}",
        "{'action':'Allow','source':{'serviceAccounts':{'names':['x^} || all() || a in {^y']}}}",
      })
  void aRuleWithoutSenseDrops(String rule) {
    policy("senseless", "{'selector':'a == ^b^','ingress':[" + rule + "]}");
    assertThat(render().chains().values())
        .anySatisfy(rules -> assertThat(rules).containsExactly("drop comment \"unreadable rule\""));
  }

  /** Which addresses a damaged network set names is not known: what depends on it is closed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "denied members | {'action':'Deny','source':{'selector':'set == ^x^'}} | drop",
        "allowed but members | {'action':'Allow','source':{'notSelector':'set == ^x^'}} | ",
        "allowed members | {'action':'Allow','source':{'selector':'set == ^x^'}} | what is readable",
        "another set | {'action':'Deny','source':{'selector':'set == ^y^'}} | empty set",
      })
  void aDamagedNetworkSetCloses(String what, String rule, String expected) {
    policy("withset", "{'selector':'a == ^b^','ingress':[" + rule + "]}");
    put(
        ROOT + "globalnetworksets/s",
        "{'metadata':{'name':'s','labels':{'set':'x'}},'spec':{'nets':['10.0.0.0/8','?']}}"
            .replace('\'', '"'));
    Ruleset now = render();
    assertThat(filter.damaged()).containsKey(ROOT + "globalnetworksets/s");
    List<String> rules =
        now.chains().entrySet().stream()
            .filter(chain -> chain.getKey().startsWith("filter-cali-pi-"))
            .map(Map.Entry::getValue)
            .filter(lines -> lines.stream().noneMatch(line -> line.contains("l4proto 6")))
            .findFirst()
            .orElseThrow();
    if (expected == null) {
      assertThat(rules).as(what).isEmpty();
    } else if (expected.equals("drop")) {
      assertThat(rules).as(what).allMatch(line -> line.matches("meta nfproto ipv[46] drop"));
    } else if (expected.equals("what is readable")) {
      assertThat(rules)
          .as(what)
          .anyMatch(line -> line.contains("ip saddr . meta nfproto @cali40net-"));
    } else {
      assertThat(rules).as(what).isNotEmpty().allMatch(line -> line.contains("saddr @cali"));
      now.sets()
          .forEach(
              (name, set) -> {
                if (rules.stream().anyMatch(line -> line.contains(name))) {
                  assertThat(set).as(what).isEmpty();
                }
              });
    }
  }
}
