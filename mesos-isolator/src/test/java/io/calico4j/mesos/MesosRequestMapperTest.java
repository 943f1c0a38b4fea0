package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.plugin.PluginRequest;
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
            "agent7");
  }

  private static Optional<AttachRequest> mapInfo(String info) throws CniError {
    return map(
        ",'feature_control':{'floating_ips':true,'allowed_source_prefixes':true}"
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
                .filter(p -> !Set.of("web", "db").contains(p) || !info.contains("/profiles"))
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
        "{'labels':{'labels':[{'key':'members.calico4j.io/web','value':''}]}} | 7 | makes members",
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "floatingIPs | 10.200.0.7 | 'floating_ips':false | floating_ips",
        "floatingIPs | 10.200.0.7 | | floating_ips",
        "allowedSourcePrefixes | 10.9.0.0/16 | 'floating_ips':true | allowed_source_prefixes",
      })
  void whatReachesBeyondOwnAddressesNeedsTheOperator(
      String label, String value, String allowed, String feature) {
    CniError error =
        catchThrowableOfType(
            CniError.class,
            () ->
                map(
                    ",'feature_control':{"
                        + (allowed == null ? "" : allowed)
                        + "},'args':{'org.apache.mesos':{'network_info':{'labels':{'labels':["
                        + "{'key':'cni.projectcalico.org/"
                        + label
                        + "','value':'[\\'"
                        + value
                        + "\\']'}]}}}}"));
    assertThat(error.code()).isEqualTo(7);
    assertThat(error)
        .hasMessageContaining("network net does not allow it")
        .hasMessageContaining(feature);
  }
}
