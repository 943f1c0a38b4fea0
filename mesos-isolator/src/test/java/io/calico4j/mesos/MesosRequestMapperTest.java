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
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From the NetworkInfo that an agent sends to what is asked of the core. */
class MesosRequestMapperTest {
  private static Optional<AttachRequest> map(String members) throws CniError {
    String json =
        ("{'name':'net','type':'calico','ipam':{'type':'calico-ipam'}" + members + "}")
            .replace('\'', '"');
    return new MesosRequestMapper()
        .map(
            CniRequest.parse(
                new PluginRequest(
                    "calico",
                    Map.of(
                        "CNI_COMMAND", "ADD",
                        "CNI_CONTAINERID", "5a1d2c3b-task",
                        "CNI_NETNS", "/var/run/mesos/isolators/network/cni/5a1d2c3b-task/ns",
                        "CNI_IFNAME", "eth0"),
                    json,
                    -1)),
            "agent7");
  }

  private static Optional<AttachRequest> mapInfo(String info) throws CniError {
    return map(",'args':{'org.apache.mesos':{'network_info':" + info + "}}");
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
            + " | {team.a-b=R-D.x} | [net] | default | 1+0 []",
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
        .hasToString(profiles);
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
        "{'labels':{'labels':[{'key':'//','value':'x'}]}} | 7 | //",
        "{'labels':{'labels':[{'key':'a/b','value':'1'},{'key':'a.b','value':'2'}]}} | 7 | a.b",
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
}
