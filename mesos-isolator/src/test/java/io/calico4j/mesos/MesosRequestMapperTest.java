package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.plugin.PluginRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From the NetworkInfo that an agent sends to what is asked of the core. */
class MesosRequestMapperTest {
  private static Optional<AttachRequest> map(String members) throws CniError {
    return map("ADD", members);
  }

  private static Optional<AttachRequest> map(String command, String members) throws CniError {
    String json =
        ("{'name':'net','type':'calico','ipam':{'type':'calico-ipam'}" + members + "}")
            .replace("\\'", "\0")
            .replace('\'', '"')
            .replace("\0", "'");
    return new MesosRequestMapper()
        .map(
            CniRequest.parse(
                new PluginRequest(
                    "calico",
                    Map.of(
                        "CNI_COMMAND", command,
                        "CNI_CONTAINERID", "5a1d2c3b-task",
                        "CNI_NETNS", "/var/run/mesos/isolators/network/cni/5a1d2c3b-task/ns",
                        "CNI_IFNAME", "eth0"),
                    json,
                    -1)),
            new NodeName("agent7"));
  }

  private static Optional<AttachRequest> mapInfo(String info) throws CniError {
    return map(
        ",'allowed_requests':{'profiles':['web','db'],'groups':['*'],'namespaces':['prod'],"
            + "'addresses':['10.65.0.0/16','fd00::/64'],'floating_ips':['10.200.0.0/24','fd00::/64'],"
            + "'source_prefixes':['10.8.0.0/15'],'pools':['blue']}"
            + ",'args':{'org.apache.mesos':{'network_info':"
            + info
            + "}}");
  }

  @Test
  void aRequestOfAnotherRuntimeIsNotOurs() throws Exception {
    assertThat(map("")).isEmpty();
    assertThat(map(",'args':{'cni':{}}")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | {} | [net] | default | 1+0 []",
        "{'name':'net'} | {} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'app','value':'web'},{'key':'flag'}]}}"
            + " | {app=web, flag=} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'/team/a b','value':'R&D / x'}]}}"
            + " | {team.a-b-eb68fd15=R-D.x-5b7005a1} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'example.org/role','value':'db'}]}}"
            + " | {example.org/role=db} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'a/b/c','value':'1'},{'key':'a.b.c','value':'2'}]}}"
            + " | {a.b.c=2, a.b.c-d76a7b72=1} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'//','value':'//'}]}}"
            + " | {label-a2c23396=value-a2c23396} | [net] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'projectcalico.org/profiles','value':'web, db'}]},"
            + "'groups':['db','ops']} | {} | [web, db, ops] | default | 1+0 []",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/ipAddrs','value':'[\\'10.65.0.9\\']'}]}}"
            + " | {} | [net] | default | 0+0 [10.65.0.9]",
        "{'ip_addresses':[{'protocol':'IPv4'},{'protocol':'IPv6'}],'labels':{'labels':["
            + "{'key':'cni.projectcalico.org/ipAddrs','value':'[\\'10.65.0.9\\']'}]}}"
            + " | {} | [net] | default | 0+1 [10.65.0.9]",
        "{'ip_addresses':[{'protocol':'IPv4','ip_address':'fd00::9'}]}"
            + " | {} | [net] | default | 0+0 [fd00::9]",
        "{'ip_addresses':[{'ip_address':'10.65.0.9'},{'ip_address':'10.65.0.9'}]}"
            + " | {} | [net] | default | 0+0 [10.65.0.9]",
        "{'protocol':'IPv4','ip_address':'10.65.0.9'} | {} | [net] | default | 0+0 [10.65.0.9]",
        "{'protocol':'IPv6'} | {} | [net] | default | 0+1 []",
        "{'labels':{'labels':[{'key':'projectcalico.org/namespace','value':'prod'}]}}"
            + " | {} | [net] | prod | 1+0 []",
        "{'labels':{'labels':[{'key':'a','value':'1'},{'key':'a','value':'1'}]}}"
            + " | {a=1} | [net] | default | 1+0 []",
        "{'groups':['net','web','db']} | {} | [net, web, db] | default | 1+0 []",
        "{'ip_addresses':[{'protocol':'IPv4'},{'protocol':'IPv6'}]}"
            + " | {} | [net] | default | 1+1 []",
        "{'ip_addresses':[{'ip_address':'10.65.0.9'}]} | {} | [net] | default | 0+0 [10.65.0.9]",
        "{'ip_addresses':[{'ip_address':'10.65.0.9'},{'protocol':'IPv6'}]}"
            + " | {} | [net] | default | 0+1 [10.65.0.9]",
        "{'name':'net','port_mappings':[{'host_port':8080,'container_port':80,'protocol':'tcp'}]}"
            + " | {} | [net] | default | 1+0 []",
        "{'name':'net','a_field_of_tomorrow':1} | {} | [net] | default | 1+0 []",
      })
  void aNetworkInfoBecomesARequest(
      String info, String labels, String profiles, String namespace, String addresses)
      throws Exception {
    AttachRequest request = mapInfo(info).orElseThrow();
    assertThat(new TreeMap<>(request.labels())).hasToString(labels);
    assertThat(request.profiles()).hasToString(profiles);
    assertThat(request.newProfiles().stream().map(ProfileDraft::name).toList())
        .as("what a label selects is made by the operator")
        .isEqualTo(
            request.profiles().stream()
                .filter(p -> !Set.of("web", "db").contains(p.text()) || !info.contains("/profiles"))
                .toList());
    assertThat(request.identity().namespace()).isEqualTo(namespace);
    assertThat(request.identity().workload()).isEqualTo("5a1d2c3b-task");
    assertThat(request.ipv4Count() + "+" + request.ipv6Count() + " " + request.fixed())
        .isEqualTo(addresses);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | 7 | network_info",
        "{'labels':5} | 7 | no NetworkInfo",
        "{'ip_addresses':{}} | 7 | no NetworkInfo",
        "{'ip_addresses':[{'ip_address':'10.65.0.999'}]} | 7 | 10.65.0.999",
        "{'labels':{'labels':[{'key':'members.calico4j.io/web','value':''}]}} | 7 | is reserved",
        "{'labels':{'labels':[{'key':'pcns.team','value':'ops'}]}} | 7 | is reserved",
        "{'labels':{'labels':[{'key':'pcns./team','value':'ops'}]}} | 7 | is reserved",
        "{'labels':{'labels':[{'key':'pcsa.x','value':'ops'}]}} | 7 | is reserved",
        "{'ip_address':'here'} | 7 | here",
        "{'labels':{'labels':[{'key':'a','value':'1'},{'key':'a','value':'2'}]}} | 7 | twice",
        "{'labels':{'labels':[{'key':'projectcalico.org/color','value':'1'}]}} | 7 | not known",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/mac','value':'1'}]}} | 7 | not known",
        "{'labels':{'labels':[{'key':'projectcalico.org/namespace','value':'A B'}]}} | 7 | A B",
        "{'labels':{'labels':[{'key':'projectcalico.org/profiles','value':'a,,b'}]}} | 7 | profile",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/ipAddrs','value':'10.65.0.9'}]}}"
            + " | 7 | must be a list",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/ipAddrs','value':'[\\'x\\']'}]}}"
            + " | 7 | no address",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/floatingIPs','value':'[\\'fd00::1\\']'}]}}"
            + " | 7 | needs an address of its family",
        "{'labels':{'labels':[{'key':'cni.projectcalico.org/allowedSourcePrefixes',"
            + "'value':'[\\'all\\']'}]}} | 7 | no network",
      })
  void aNetworkInfoThatCannotBeServedIsNamed(String info, int code, String word) {
    CniError error = catchThrowableOfType(CniError.class, () -> mapInfo(info));
    assertThat(error.code()).isEqualTo(code);
    assertThat(error).hasMessageContaining(word);
  }

  @Test
  void withoutNetworkInfoTheMissingMemberIsNamed() {
    CniError error =
        catchThrowableOfType(CniError.class, () -> map(",'args':{'org.apache.mesos':{}}"));
    assertThat(error).hasMessageContaining("network_info is missing");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "web,web",
        "Web_1.x,Web_1.x",
        "Web/Front End,Web.Front-End-",
        "Web/Front-End,Web.Front-End-",
        "_x,x-",
        "///,group-",
      })
  void aGroupKeepsItsNameOrGetsADigest(String group, String start) {
    String profile = LabelNames.ofGroup(group);
    assertThat(profile).startsWith(start);
    assertThat(profile.length())
        .isEqualTo(start.endsWith("-") ? start.length() + 8 : start.length());
    assertThat(LabelNames.ofGroup("x".repeat(200))).hasSize(63);
    assertThat(LabelNames.ofGroup("Web/Front End"))
        .isNotEqualTo(LabelNames.ofGroup("Web/Front-End"));
  }

  @Test
  void labelsAskForFloatingAddressesSourcesAndPools() throws Exception {
    AttachRequest request =
        mapInfo(
                "{'labels':{'labels':["
                    + "{'key':'cni.projectcalico.org/floatingIPs','value':'[\\'10.200.0.7\\']'},"
                    + "{'key':'cni.projectcalico.org/allowedSourcePrefixes',"
                    + "'value':'[\\'10.9.0.0/16\\',\\'10.8.0.1\\']'},"
                    + "{'key':'cni.projectcalico.org/ipv4pools','value':'[\\'blue\\']'}]},"
                    + "'port_mappings':[{'host_port':31080,'container_port':80},"
                    + "{'host_port':31053,'container_port':53,'protocol':'UDP'}]}")
            .orElseThrow();
    assertThat(request.floating()).hasToString("[10.200.0.7]");
    assertThat(request.allowedSources()).hasToString("[10.9.0.0/16, 10.8.0.1/32]");
    assertThat(request.ipv4Pools()).containsExactly("blue");
    assertThat(request.labels()).isEmpty();
    assertThat(request.annotations())
        .containsEntry("io.calico4j/mesos-port-mappings", "31080:80/tcp,31053:53/udp");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'org.apache.mesos':{'network_info':{'labels':{'labels':["
            + "{'key':'projectcalico.org/namespace','value':'prod'},{'key':'a','value':'1'},"
            + "{'key':'a','value':'2'}]}}}} | prod",
        "{'org.apache.mesos':{'network_info':{'labels':7}}} | default",
        "{'org.apache.mesos':{}} | default",
        "{'org.apache.mesos':7} | default",
      })
  void aDelIsUnderstoodWhateverMadeTheAddFail(String arguments, String namespace) throws Exception {
    AttachRequest request = map("DEL", ",'args':" + arguments).orElseThrow();
    assertThat(request.identity().namespace()).isEqualTo(namespace);
    assertThat(request.identity().workload()).isEqualTo("5a1d2c3b-task");
  }

  /** What a task asks for, what grants it, and the words of the refusal without that. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'groups':['ops'] | 'groups':['op?','ops'] | network_info.groups asks for group \"ops\"",
        "'groups':['db-1'] | 'groups':['db-*'] | \"allowed_requests\": {\"groups\": [\"db-1\"]}",
        "'labels':{'labels':[{'key':'projectcalico.org/profiles','value':'net,ops'}]}"
            + " | 'profiles':['ops'] | label \"projectcalico.org/profiles\" asks for profile \"ops\"",
        "'labels':{'labels':[{'key':'projectcalico.org/namespace','value':'ops'}]}"
            + " | 'namespaces':['o*'] | label \"projectcalico.org/namespace\" asks for namespace",
        "'ip_addresses':[{'ip_address':'10.65.0.9'}]"
            + " | 'addresses':['10.65.0.8/29'] | network_info.ip_addresses asks for address",
        "'protocol':'IPv4','ip_address':'10.65.0.9'"
            + " | 'addresses':['10.65.0.9'] | {\"addresses\": [\"10.65.0.9/32\"]}",
        "'labels':{'labels':[{'key':'cni.projectcalico.org/ipAddrs','value':'[\\'10.65.0.9\\']'}]}"
            + " | 'addresses':['10.65.0.0/16'] | ipAddrs\" asks for address \"10.65.0.9\"",
        "'labels':{'labels':[{'key':'cni.projectcalico.org/floatingIPs','value':'[\\'10.9.0.7\\']'}]}"
            + " | 'floating_ips':['10.9.0.0/24'] | floatingIPs\" asks for floating address",
        "'labels':{'labels':[{'key':'cni.projectcalico.org/allowedSourcePrefixes',"
            + "'value':'[\\'0.0.0.0/0\\']'}]}"
            + " | 'source_prefixes':['0.0.0.0/0'] | source prefix \"0.0.0.0/0\"",
        "'labels':{'labels':[{'key':'cni.projectcalico.org/ipv4pools','value':'[\\'blue\\']'}]}"
            + " | 'pools':['blue'] | ipv4pools\" asks for pool \"blue\"",
        "'labels':{'labels':[{'key':'cni.projectcalico.org/ipv6pools','value':'[\\'six\\']'}]}"
            + " | 'pools':['s*x'] | ipv6pools\" asks for pool \"six\"",
      })
  void whatATaskAsksForNeedsTheOperator(String asked, String granting, String refusal)
      throws Exception {
    String info = ",'args':{'org.apache.mesos':{'network_info':{" + asked + "}}}";
    // The switches of older configurations do not say which addresses, and are not enough.
    String old = ",'feature_control':{'floating_ips':true,'allowed_source_prefixes':true}";
    for (String nothing : List.of("", old, ",'allowed_requests':{}")) {
      CniError error = catchThrowableOfType(CniError.class, () -> map(nothing + info));
      assertThat(error.code()).isEqualTo(7);
      assertThat(error)
          .hasMessageContaining("which network net does not grant")
          .hasMessageContaining(refusal);
    }
    assertThat(map(",'allowed_requests':{" + granting + "}" + info)).isPresent();
  }

  @Test
  void theNetworksOwnNameDefaultNamespaceAndConfiguredPoolsNeedNobody() throws Exception {
    AttachRequest request =
        map(",'args':{'org.apache.mesos':{'network_info':{'groups':['net'],'labels':{'labels':["
                + "{'key':'projectcalico.org/profiles','value':'net'},"
                + "{'key':'projectcalico.org/namespace','value':'default'},"
                + "{'key':'example.org/role','value':'x'},{'key':'app','value':'y'}]}}}}")
            .orElseThrow();
    assertThat(request.profiles()).containsExactly(new ProfileName("net"));
    assertThat(request.labels()).containsOnlyKeys("example.org/role", "app");
  }

  @Test
  void theOperatorMayNameTheLabelsThatTasksMayHave() throws Exception {
    String granted = ",'allowed_requests':{'label_prefixes':['app','example.org/']}";
    String info = ",'args':{'org.apache.mesos':{'network_info':{'labels':{'labels':[%s]}}}}";
    assertThat(
            map(granted
                    + info.formatted(
                        "{'key':'app','value':'a'},{'key':'example.org/x','value':'b'}"))
                .orElseThrow()
                .labels())
        .hasSize(2);
    CniError error =
        catchThrowableOfType(
            CniError.class, () -> map(granted + info.formatted("{'key':'role','value':'admin'}")));
    assertThat(error).hasMessageContaining("label \"role\"").hasMessageContaining("label_prefixes");
  }

  @Test
  void anUnknownGrantIsNamedWithItsNearest() {
    CniError error =
        catchThrowableOfType(
            CniError.class,
            () ->
                map(
                    ",'allowed_requests':{'profile':['x']},"
                        + "'args':{'org.apache.mesos':{'network_info':{}}}"));
    assertThat(error).hasMessageContaining("did you mean \"profiles\"?");
  }

  @Test
  void thousandsOfLabelsAreRefusedWithTheLimit() {
    StringBuilder labels = new StringBuilder();
    for (int i = 0; i < 6500; i++) {
      labels.append(i == 0 ? "" : ",").append("{'key':'k" + i + "','value':'v'}");
    }
    CniError error =
        catchThrowableOfType(
            CniError.class, () -> mapInfo("{'labels':{'labels':[" + labels + "]}}"));
    assertThat(error).hasMessageContaining("6500 labels").hasMessageContaining("at most 128");
  }
}
