package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.rules.RecordingTable.Ruleset;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written into the table for the resources of a cluster. */
class RulesetManagerTest {
  private static final String ACCEPT = "meta mark set meta mark or 0x00010000 return";

  private final Calculation calculation =
      new Calculation("here", ValidationFilter.silent(), Set.of(IpAddress.parse("192.0.2.4")));
  private final RecordingTable table = new RecordingTable();
  private final RulesetManager manager = new RulesetManager(table);

  @BeforeEach
  void twoEndpoints() {
    endpoint("here", "one", "cali1", "10.65.0.1/32", "{'web':''}", "['net']");
    endpoint("there", "two", "cali2", "10.65.0.2/32", "{'db':''}", "['net']");
  }

  private void put(String path, String json) {
    assertThat(calculation.update(path, new Entry(path, json.replace('\'', '"'), 7))).isTrue();
  }

  private void endpoint(
      String node, String name, String link, String cidr, String labels, String profiles) {
    put(
        "/calico/resources/v3/projectcalico.org/workloadendpoints/default/"
            + node
            + "-cni-"
            + name
            + "-eth0",
        "{'apiVersion':'projectcalico.org/v3','kind':'WorkloadEndpoint','metadata':{'name':'"
            + node
            + "-cni-"
            + name
            + "-eth0','namespace':'default','labels':"
            + labels
            + "},'spec':{'node':'"
            + node
            + "','orchestrator':'cni','containerID':'c','endpoint':'eth0','ipNetworks':['"
            + cidr
            + "'],'profiles':"
            + profiles
            + ",'interfaceName':'"
            + link
            + "','ports':[{'name':'sql','protocol':'TCP','port':5432}]}}");
  }

  private void policy(String name, String spec) {
    put(
        ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, name).path(),
        "{'apiVersion':'projectcalico.org/v3','kind':'GlobalNetworkPolicy','metadata':{'name':'"
            + name
            + "'},'spec':"
            + spec
            + "}");
  }

  private Ruleset build(String... loopback) {
    manager.accept(calculation.flush());
    manager.putLoopback(
        Stream.of(loopback).map(Cidr::parse).collect(Collectors.toSet()),
        calculation.nodeAddresses());
    return table.snapshot();
  }

  private List<String> policyChain() {
    return build().chains().entrySet().stream()
        .filter(e -> e.getKey().startsWith("filter-cali-pi-"))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'action':'Allow'} | A",
        "{'action':'Deny'} | drop",
        "{'action':'Pass'} | meta mark set meta mark or 0x00020000 return",
        "{'action':'Log'} | log prefix \"calico-packet: \"",
        "{'action':'Allow','protocol':'TCP'} | meta l4proto 6 A",
        "{'action':'Allow','notProtocol':17} | meta l4proto != 17 A",
        "{'action':'Allow','protocol':'UDP','destination':{'ports':[53,'50:60',70]}}"
            + " | meta l4proto 17 th dport { 70 } A;meta l4proto 17 th dport 50-60 A",
        "{'action':'Allow','protocol':'TCP','source':{'notPorts':[1,2]}}"
            + " | meta l4proto 6 th sport != 1-2 A",
        "{'action':'Allow','ipVersion':4} | meta nfproto ipv4 A",
        "{'action':'Allow','source':{'nets':['10.0.0.0/8','fd00::/8']}}"
            + " | meta nfproto ipv4 ip saddr 10.0.0.0/8 A;"
            + "meta nfproto ipv6 ip6 saddr fd00::/8 A",
        "{'action':'Allow','source':{'nets':['10.0.0.0/8']}}"
            + " | meta nfproto ipv4 ip saddr 10.0.0.0/8 A",
        "{'action':'Allow','source':{'notNets':['10.0.0.0/8']}}"
            + " | meta nfproto ipv4 ip saddr != 10.0.0.0/8 A",
        "{'action':'Deny','source':{'nets':['10.0.0.0/8'],'notNets':['fd00::/8']}} | ",
        "{'action':'Allow','protocol':'ICMP','icmp':{'type':8,'code':0}}"
            + " | meta nfproto ipv4 meta l4proto 1 icmp type 8 icmp code 0 A",
        "{'action':'Allow','protocol':'ICMPv6','notICMP':{'type':128}}"
            + " | meta nfproto ipv6 meta l4proto 58 icmpv6 type != 128 A",
        "{'action':'Allow','destination':{'ports':[80]}} | drop comment \"unreadable rule\"",
        "{'action':'Allow','http':{'methods':['GET']}} | drop comment \"unreadable rule\"",
        "{'action':'Allow','source':{'services':{'name':'web'}}}"
            + " | drop comment \"unreadable rule\"",
      })
  void aRuleBecomesLines(String rule, String lines) {
    policy("p", "{'selector':'has(web)','types':['Ingress'],'ingress':[" + rule + "]}");
    assertThat(String.join(";", policyChain()).replace(ACCEPT, "A"))
        .isEqualTo(lines == null ? "" : lines);
  }

  /** Sixty networks that are excluded, three hundred on each side: one line. */
  @Test
  void aRuleDoesNotGrowWithItsLists() {
    String nets =
        IntStream.range(0, 300)
            .mapToObj(i -> "'10." + i / 200 + "." + i % 200 + ".0/24'")
            .collect(Collectors.joining(","));
    String notNets =
        IntStream.range(0, 60)
            .mapToObj(i -> "'11.0." + i + ".0/24'")
            .collect(Collectors.joining(","));
    policy(
        "p",
        "{'selector':'has(web)','ingress':[{'action':'Allow','source':{'nets':["
            + nets
            + "],'notNets':["
            + notNets
            + "]},'destination':{'nets':["
            + nets
            + "]}}]}");
    assertThat(policyChain())
        .singleElement()
        .asString()
        .matches(
            "meta nfproto ipv4 ip saddr \\. meta nfproto @cali40net-[0-9a-f]+"
                + " ip saddr \\. meta nfproto != @cali40net-[0-9a-f]+"
                + " ip daddr \\. meta nfproto @cali40net-[0-9a-f]+ A"
                    .replace("A", "meta mark set meta mark or 0x00010000 return"));
    assertThat(build().sets().values().stream().map(Set::size)).contains(300, 60);
  }

  /** Networks of network sets lie in a set of their own, which is there as long as it is needed. */
  @Test
  void networksOfNetworkSetsComeAndGoAsASetOfTheirOwn() {
    policy(
        "p",
        "{'selector':'has(web)','ingress':[{'action':'Allow','source':{'selector':'has(db)'}}]}");
    Ruleset before = build();
    assertThat(policyChain()).hasSize(2);
    networkSet("'10.1.0.0/16','10.1.2.0/24','10.2.0.1'");
    assertThat(policyChain()).hasSize(3);
    assertThat(build().sets().values())
        .contains(
            new TreeSet<>(Set.of("10.1.0.0/16")), new TreeSet<>(Set.of("10.65.0.2", "10.2.0.1")));
    networkSet("'10.1.2.0/24','10.1.3.0/24'");
    assertThat(build().sets().values())
        .contains(new TreeSet<>(Set.of("10.1.2.0/24", "10.1.3.0/24")));
    networkSet("'10.2.0.1'");
    assertThat(policyChain()).hasSize(2);
    calculation.update(ResourceKey.of(ResourceKind.GLOBAL_NETWORK_SET, "s").path(), null);
    assertThat(build()).isEqualTo(before);
  }

  private void networkSet(String nets) {
    put(
        ResourceKey.of(ResourceKind.GLOBAL_NETWORK_SET, "s").path(),
        "{'apiVersion':'projectcalico.org/v3','kind':'GlobalNetworkSet','metadata':{'name':'s',"
            + "'labels':{'db':''}},'spec':{'nets':["
            + nets
            + "]}}");
  }

  @Test
  void aSelectorBecomesASetOfAddresses() {
    policy(
        "p",
        "{'selector':'has(web)','ingress':[{'action':'Allow','source':"
            + "{'selector':'has(db)'}}]}");
    Ruleset ruleset = build();
    assertThat(ruleset.sets().values())
        .anySatisfy(set -> assertThat(set).containsExactly("10.65.0.2"));
    endpoint("there", "three", "cali3", "10.65.0.3/32", "{'db':''}", "[]");
    assertThat(build().sets().values())
        .anySatisfy(set -> assertThat(set).containsExactly("10.65.0.2", "10.65.0.3"));
  }

  @Test
  void aNamedPortBecomesASetOfAddressesAndPorts() {
    policy(
        "p",
        "{'selector':'has(web)','ingress':[{'action':'Allow','protocol':'TCP',"
            + "'destination':{'ports':['sql']}}]}");
    assertThat(build().sets().values())
        .anySatisfy(
            set -> assertThat(set).containsExactly("10.65.0.1 . 6 . 5432", "10.65.0.2 . 6 . 5432"));
  }

  @Test
  void onlyOwnEndpointsHaveChainsAndWithoutItsProfileAnEndpointIsClosed() {
    Ruleset ruleset = build();
    assertThat(ruleset.toWorkload()).containsOnlyKeys("cali1");
    assertThat(ruleset.fromWorkload()).containsOnlyKeys("cali1");
    assertThat(chainTo(ruleset, "cali1")).endsWith("drop comment \"a profile is missing\"");
  }

  private static List<String> chainTo(Ruleset ruleset, String link) {
    return ruleset.chains().get(ruleset.toWorkload().get(link));
  }

  @Test
  void endpointsToWhichTheSameAppliesShareTheirChains() {
    endpoint("here", "three", "cali3", "10.65.0.3/32", "{'web':''}", "['net']");
    endpoint("here", "four", "cali4", "10.65.0.4/32", "{}", "['net']");
    policy("p", "{'selector':'has(web)','types':['Ingress'],'ingress':[{'action':'Allow'}]}");
    Ruleset ruleset = build();
    assertThat(ruleset.toWorkload().get("cali3")).isEqualTo(ruleset.toWorkload().get("cali1"));
    assertThat(ruleset.toWorkload().get("cali4")).isNotEqualTo(ruleset.toWorkload().get("cali1"));
    assertThat(new HashSet<>(ruleset.fromWorkload().values()))
        .as("the policy says nothing on what they send")
        .hasSize(1);
    assertThat(chainTo(ruleset, "cali1")).contains("jump " + HostManager.TO_CHECKS);
    assertThat(ruleset.chains().keySet().stream().filter(n -> n.startsWith("filter-cali-tw-")))
        .hasSize(2);
  }

  /** What the host has on lo is out of reach, but for the addresses by which others know it. */
  @Test
  void theHostsLoopbackIsOutOfReachButNotItsNodeAddress() {
    put(
        "/calico/resources/v3/projectcalico.org/nodes/here",
        "{'apiVersion':'projectcalico.org/v3','kind':'Node','metadata':{'name':'here'},"
            + "'spec':{'bgp':{'ipv4Address':'192.0.2.11/32'}}}");
    Ruleset ruleset = build("192.0.2.11/32", "10.255.0.1/32", "fd00::1/128");
    assertThat(ruleset.chains().get("raw-cali-host-loopback"))
        .containsExactly(
            "ip daddr @cali40host-loopback drop", "ip6 daddr @cali60host-loopback drop");
    assertThat(ruleset.sets().get("cali40host-loopback")).containsExactly("10.255.0.1");
    assertThat(ruleset.sets().get("cali60host-loopback")).containsExactly("fd00::1");
  }

  /** The kernel takes packets to every address of an IPv4 network that stands on lo. */
  @Test
  void networksOfTheHostsLoopbackAreOutOfReachButNotTheNodeAddressThere() {
    put(
        "/calico/resources/v3/projectcalico.org/nodes/here",
        "{'apiVersion':'projectcalico.org/v3','kind':'Node','metadata':{'name':'here'},"
            + "'spec':{'bgp':{'ipv4Address':'192.0.2.11/24'}}}");
    Ruleset ruleset = build("192.0.2.0/24", "10.255.2.0/24");
    assertThat(ruleset.chains().get("raw-cali-host-loopback"))
        .containsExactly(
            "ip daddr @cali40host-loopback drop",
            "ip6 daddr @cali60host-loopback drop",
            "ip daddr 192.0.2.11 return",
            "ip daddr 10.255.2.0/24 drop",
            "ip daddr 192.0.2.0/24 drop");
    assertThat(ruleset.sets().get("cali40host-loopback")).isEmpty();
  }

  @Test
  void aNameFromOutsideNeverReachesTheTable() {
    endpoint("here", "evil", "x; flush ruleset", "10.65.0.9/32", "{}", "[]");
    policy("p", "{'selector':'has(web)','ingress':[{'action':'Log'}]}");
    manager.configure(
        FelixConfig.resolve(
            List.of(FelixSource.environment(Map.of("FELIX_LogPrefix", "a\"b\n; drop")))));
    Ruleset ruleset = build();
    assertThat(ruleset.toWorkload()).containsOnlyKeys("cali1");
    assertThat(ruleset.chains().values().stream().flatMap(List::stream).toList())
        .contains("log prefix \"a_b__ drop: \"");
  }

  @Test
  void linesOfLogRulesAreLimited() {
    endpoint("here", "web", "cali1", "10.65.0.9/32", "{'web':''}", "[]");
    policy("p", "{'selector':'has(web)','ingress':[{'action':'Log'}]}");
    manager.configure(
        FelixConfig.resolve(
            List.of(
                FelixSource.environment(
                    Map.of(
                        "FELIX_LogActionRateLimit",
                        "10/minute",
                        "FELIX_LogActionRateLimitBurst",
                        "7")))));
    assertThat(build().chains().values().stream().flatMap(List::stream).toList())
        .contains("limit rate 10/minute burst 7 packets log prefix \"calico-packet: \"");
  }

  @Test
  void aFloatingAddressThatSomebodyNeedsIsNotPutInForce() {
    put(
        "/calico/resources/v3/projectcalico.org/workloadendpoints/default/here-cni-nat-eth0",
        "{'metadata':{'name':'here-cni-nat-eth0','namespace':'default'},'spec':{'node':'here',"
            + "'orchestrator':'cni','containerID':'c','endpoint':'eth0','interfaceName':'cali9',"
            + "'ipNetworks':['10.65.0.9/32'],'ipNATs':["
            + Stream.of("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "10.65.0.1", "10.9.0.9")
                .map(a -> "{'internalIP':'10.65.0.9','externalIP':'" + a + "'}")
                .collect(Collectors.joining(","))
            + "]}}");
    put(
        ResourceKey.of(ResourceKind.NODE, "there").path(),
        "{'metadata':{'name':'there'},'spec':{'bgp':{'ipv4Address':'192.0.2.1/24',"
            + "'ipv4IPIPTunnelAddr':'192.0.2.2'}}}");
    put(
        ResourceKey.of(ResourceKind.BGP_PEER, "rack").path(),
        "{'metadata':{'name':'rack'},'spec':{'peerIP':'192.0.2.3:179','asNumber':64999}}");
    Ruleset ruleset = build();
    assertThat(ruleset.chains().get("nat-cali-dnat"))
        .containsExactly("fib daddr type local return", "ip daddr 10.9.0.9 dnat ip to 10.65.0.9");
    assertThat(calculation.refusedAddresses())
        .hasSize(5)
        .allMatch(text -> text.contains("here-cni-nat-eth0 is not put in force"));
  }

  private void pool(String name, String cidr, String more) {
    put(
        ResourceKey.of(ResourceKind.IP_POOL, name).path(),
        "{'metadata':{'name':'" + name + "'},'spec':{'cidr':'" + cidr + "'" + more + "}}");
  }

  @Test
  void whatLeavesThePoolsIsMasqueradedWhereAPoolSaysSo() {
    assertThat(build().chains().get("nat-cali-nat-outgoing")).isEmpty();
    pool("out", "10.65.0.0/16", ",'natOutgoing':true");
    pool("in", "10.66.0.0/16", "");
    pool("off", "10.67.0.0/16", ",'disabled':true");
    pool("six", "fd00:65::/64", ",'natOutgoing':false");
    Ruleset ruleset = build();
    assertThat(ruleset.chains().get("nat-cali-nat-outgoing"))
        .containsExactly(
            "ip saddr . meta nfproto @cali40masq-ipam-pools"
                + " ip daddr . meta nfproto != @cali40network-ip-pools masquerade fully-random");
    assertThat(ruleset.sets().get("cali40masq-ipam-pools")).containsExactly("10.65.0.0/16");
    assertThat(ruleset.sets().get("cali40network-ip-pools"))
        .containsExactly("10.65.0.0/16", "10.66.0.0/16", "10.67.0.0/16");
    assertThat(ruleset.sets().get("cali60network-ip-pools")).containsExactly("fd00:65::/64");
    pool("out", "10.65.0.0/16", "");
    assertThat(build().chains().get("nat-cali-nat-outgoing")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "NATPortRange | 32768:65535 | P meta l4proto tcp masquerade to :32768-65535 fully-random;"
            + "P meta l4proto udp masquerade to :32768-65535 fully-random;P masquerade fully-random",
        "NATOutgoingAddress | 192.0.2.77 | P snat ip to 192.0.2.77 fully-random",
        "NATOutgoingExclusions | ippoolsandhostips"
            + " | P ip daddr != @cali40all-hosts-net masquerade fully-random",
        "IptablesNATOutgoingInterfaceFilter | eth+"
            + " | oifname \"eth*\" P masquerade fully-random",
      })
  void parametersChangeTheMasquerade(String name, String value, String rules) {
    pool("out", "10.65.0.0/16", ",'natOutgoing':true");
    put(
        ResourceKey.of(ResourceKind.NODE, "there").path(),
        "{'metadata':{'name':'there'},'spec':{'bgp':{'ipv4Address':'192.0.2.1/24'}}}");
    manager.configure(
        FelixConfig.resolve(List.of(FelixSource.environment(Map.of("FELIX_" + name, value)))));
    Ruleset ruleset = build();
    assertThat(
            String.join(";", ruleset.chains().get("nat-cali-nat-outgoing"))
                .replace(
                    "ip saddr . meta nfproto @cali40masq-ipam-pools"
                        + " ip daddr . meta nfproto != @cali40network-ip-pools",
                    "P"))
        .isEqualTo(rules);
    assertThat(ruleset.sets().get("cali40all-hosts-net")).containsExactly("192.0.2.1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "AllowVXLANPacketsFromWorkloads | true | meta l4proto 4 drop",
        "AllowIPIPPacketsFromWorkloads | true | udp dport 4789 drop",
        "VXLANPort | 8472 | udp dport 8472 drop;meta l4proto 4 drop",
      })
  void parametersChangeWhatWorkloadsMaySend(String name, String value, String rules) {
    manager.configure(
        FelixConfig.resolve(List.of(FelixSource.environment(Map.of("FELIX_" + name, value)))));
    assertThat(build().chains().get(HostManager.FROM_CHECKS))
        .endsWith(rules.split(";"))
        .hasSize(3 + rules.split(";").length);
  }

  @Test
  void aDamagedPolicyClosesEveryEndpoint() {
    String path = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "p").path();
    assertThat(calculation.update(path, new Entry(path, "{", 8))).isTrue();
    assertThat(chainTo(build(), "cali1")).endsWith("drop comment \"a policy cannot be read\"");
  }
}
