package io.calico4j.core.resource;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of fields that are set and have no effect. */
class FieldsWithoutEffectTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "IPPool | p | {'cidr':'10.0.0.0/8','natOutgoing':true} | ''",
        "GlobalNetworkPolicy | p | {'types':['Ingress'],'ingress':[{'action':'Allow',"
            + "'metadata':{'annotations':{'a':'b'}}}]} | ''",
        "GlobalNetworkPolicy | p | {'types':['Ingress'],'ingress':[{'action':'Allow',"
            + "'protocol':'TCP','http':{'methods':['GET']}},{'action':'Allow',"
            + "'protocol':'TCP','http':{'methods':['PUT']}}]}"
            + " | GlobalNetworkPolicy(p) spec.ingress.http.methods has no effect here: requests are"
            + " not looked into: who meets the rule is dropped, whatever its action",
        "GlobalNetworkPolicy | p | {'performanceHints':[]} | ''",
        "BGPConfiguration | default | {'bindMode':'NodeIP'} | ''",
        "BGPConfiguration | node.a | {'bindMode':'NodeIP','listenPort':1790}"
            + " | BGPConfiguration(node.a) spec.bindMode has no effect here: only BGPConfiguration"
            + " default's is read",
        "BGPConfiguration | default | {'programClusterRoutes':'Disabled'} | ''",
        "BGPConfiguration | default | {'programClusterRoutes':'Enabled'}"
            + " | BGPConfiguration(default) spec.programClusterRoutes Enabled has no effect here: bird"
            + " writes no routes of pools with IP in IP, Felix does",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1'},'orchRefs':[{'orchestrator':'k8s'}]} | ''",
        "Node | n | {'wireguard':{'interfaceIPv4Address':'192.0.2.1'}}"
            + " | Node(n) spec.wireguard has no effect here: WireGuard is not yet implemented",
      })
  void eachIsNamedOnceWithTheReason(String kind, String name, String spec, String expected)
      throws Exception {
    String document =
        "{'apiVersion':'projectcalico.org/v3','kind':'%s','metadata':{'name':'%s'},'spec':%s}"
            .formatted(kind, name, spec);
    assertThat(
            FieldsWithoutEffect.of(
                UserResources.parse(
                    JsonParser.parseString(document.replace('\'', '"')).getAsJsonObject())))
        .isEqualTo(expected.equals("''") ? java.util.List.of() : java.util.List.of(expected));
  }
}
