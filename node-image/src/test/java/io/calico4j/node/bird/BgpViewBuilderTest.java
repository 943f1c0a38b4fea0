package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.name.NodeName;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which sessions and blocks a node has, from what is stored. */
class BgpViewBuilderTest {
  private static final String RESOURCES = "/calico/resources/v3/projectcalico.org/";

  private final TreeMap<String, Entry> entries = new TreeMap<>();

  @BeforeEach
  void threeNodes() {
    node("a", "{'ipv4Address':'192.0.2.11/24'}", "{'rack':'1'}");
    node("b", "{'ipv4Address':'192.0.2.12/24','asNumber':64513}", "{'rack':'1'}");
    node("c", "{'ipv4Address':'198.51.100.13/24'}", "{'rack':'2'}");
    node("without-address", "{}", "{}");
  }

  private void put(String key, String json) {
    entries.put(key, new Entry(key, json.replace('\'', '"'), 1));
  }

  private void resource(String kind, String plural, String name, String labels, String spec) {
    put(
        RESOURCES + plural + "/" + name,
        "{'apiVersion':'projectcalico.org/v3','kind':'"
            + kind
            + "','metadata':{'name':'"
            + name
            + "','labels':"
            + labels
            + "},'spec':"
            + spec
            + "}");
  }

  private void node(String name, String bgp, String labels) {
    resource("Node", "nodes", name, labels, "{'bgp':" + bgp + "}");
  }

  private void peer(String name, String spec) {
    resource("BGPPeer", "bgppeers", name, "{}", spec);
  }

  private void configuration(String spec) {
    resource("BGPConfiguration", "bgpconfigurations", "default", "{}", spec);
  }

  private BgpView view(String node) throws Exception {
    return new BgpViewBuilder(new NodeName(node), entries).build().orElseThrow();
  }

  private String peers(String node) throws Exception {
    StringBuilder text = new StringBuilder();
    for (BgpView.Peer peer : view(node).peers()) {
      text.append(peer.name()).append('@').append(peer.asNumber());
      text.append(peer.passive() ? " passive" : "");
      text.append(peer.reflectorClient() ? " client" : "").append("; ");
    }
    return text.toString().strip();
  }

  @Test
  void everyNodeWithAnAddressIsInTheMesh() throws Exception {
    assertThat(peers("a"))
        .isEqualTo("Mesh_192_0_2_12@64513 passive; Mesh_198_51_100_13@64512 passive;");
    assertThat(peers("c")).isEqualTo("Mesh_192_0_2_11@64512; Mesh_192_0_2_12@64513;");
    assertThat(new BgpViewBuilder(new NodeName("without-address"), entries).build()).isEmpty();
    assertThat(new BgpViewBuilder(new NodeName("unknown"), entries).build()).isEmpty();
  }

  @Test
  void theConfigurationTurnsTheMeshOffAndSetsTheNumbers() throws Exception {
    configuration("{'nodeToNodeMeshEnabled':false,'asNumber':65001,'listenPort':1790}");
    assertThat(view("a").peers()).isEmpty();
    assertThat(view("a").asNumber()).isEqualTo(65001);
    assertThat(view("b").asNumber()).isEqualTo(64513);
    assertThat(view("a").listenPort()).isEqualTo(1790);
  }

  @Test
  void peersAreForAllForOneNodeOrForSelectedNodes() throws Exception {
    configuration("{'nodeToNodeMeshEnabled':false}");
    peer("all", "{'peerIP':'203.0.113.1','asNumber':64500}");
    peer("one", "{'node':'a','peerIP':'203.0.113.2:1179','asNumber':64501}");
    peer(
        "rack",
        "{'nodeSelector':'rack == \\'2\\'','peerIP':'203.0.113.3','asNumber':'1.10'}"
            .replace("\\'", "\\\""));
    assertThat(peers("a")).isEqualTo("Global_203_0_113_1@64500; Node_203_0_113_2@64501;");
    assertThat(view("a").peers().get(1).port()).isEqualTo(1179);
    assertThat(peers("b")).isEqualTo("Global_203_0_113_1@64500;");
    assertThat(peers("c")).isEqualTo("Global_203_0_113_1@64500; Node_203_0_113_3@65546;");
  }

  @Test
  void aReflectorServesItsClientsAndIsOutOfTheMesh() throws Exception {
    node("a", "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'224.0.0.1'}", "{'rr':''}");
    peer("reflectors", "{'nodeSelector':'!has(rr)','peerSelector':'has(rr)'}");
    assertThat(peers("a"))
        .isEqualTo("Node_192_0_2_12@64513 passive; Node_198_51_100_13@64512 passive client;");
    assertThat(peers("c")).isEqualTo("Mesh_192_0_2_12@64513; Node_192_0_2_11@64512;");
  }

  @Test
  void ownConfirmedBlocksAreAnnounced() throws Exception {
    String affinities = "/calico/ipam/v2/host/a/ipv4/block/";
    put(affinities + "10.65.1.0-26", "{'state':'confirmed'}");
    put(affinities + "10.65.2.0-26", "{'state':'pending'}");
    resource("IPPool", "ippools", "open", "{}", "{'cidr':'10.65.0.0/16'}");
    resource(
        "IPPool", "ippools", "secret", "{}", "{'cidr':'10.66.0.0/16','disableBGPExport':true}");
    assertThat(view("a").blocks()).hasToString("[10.65.1.0/26]");
    assertThat(view("b").blocks()).isEmpty();
    assertThat(view("a").pools()).hasToString("[10.65.0.0/16]");
    assertThat(view("a").hiddenPools()).hasToString("[10.66.0.0/16]");
  }
}
