package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Which sessions and blocks a node has, from what is stored. */
class BgpViewBuilderTest {
  private final StoredCluster cluster = StoredCluster.ofThree().node("without-address", "{}", "{}");

  private void node(String name, String bgp, String labels) {
    cluster.node(name, labels, bgp);
  }

  private void peer(String name, String spec) {
    cluster.peer(name, spec);
  }

  private void configuration(String spec) {
    cluster.configuration(spec);
  }

  private BgpView.Node view(String node) {
    return cluster.view(node).node();
  }

  private List<BgpSession> sessions(String node) {
    return cluster.v4(node).sessions();
  }

  private String peers(String node) {
    StringBuilder text = new StringBuilder();
    for (BgpSession peer : sessions(node)) {
      text.append(peer.name()).append('@').append(peer.asNumber());
      text.append(peer.role().passive() ? " passive" : "");
      text.append(peer.role().reflectorClient() ? " client" : "").append("; ");
    }
    return text.toString().strip();
  }

  @Test
  void everyNodeWithAnAddressIsInTheMesh() {
    assertThat(peers("a"))
        .isEqualTo("Mesh_192_0_2_12@64513 passive; Mesh_198_51_100_13@64512 passive;");
    assertThat(peers("c")).isEqualTo("Mesh_192_0_2_11@64512; Mesh_192_0_2_12@64513;");
    assertThat(cluster.find("without-address")).isEmpty();
    assertThat(cluster.find("unknown")).isEmpty();
  }

  @Test
  void theConfigurationTurnsTheMeshOffAndSetsTheNumbers() {
    configuration("{'nodeToNodeMeshEnabled':false,'asNumber':65001,'listenPort':1790}");
    assertThat(sessions("a")).isEmpty();
    assertThat(view("a").asNumber()).isEqualTo(65001);
    assertThat(view("b").asNumber()).isEqualTo(64513);
    assertThat(view("a").listenPort()).isEqualTo(1790);
  }

  @Test
  void peersAreForAllForOneNodeOrForSelectedNodes() {
    configuration("{'nodeToNodeMeshEnabled':false}");
    peer("all", "{'peerIP':'203.0.113.1','asNumber':64500}");
    peer("one", "{'node':'a','peerIP':'203.0.113.2:1179','asNumber':64501}");
    peer(
        "rack",
        "{'nodeSelector':'rack == \\'2\\'','peerIP':'203.0.113.3','asNumber':'1.10'}"
            .replace("\\'", "\\\""));
    assertThat(peers("a")).isEqualTo("Global_203_0_113_1@64500; Node_203_0_113_2_port_1179@64501;");
    assertThat(sessions("a").get(1).port()).isEqualTo(1179);
    assertThat(peers("b")).isEqualTo("Global_203_0_113_1@64500;");
    assertThat(peers("c")).isEqualTo("Global_203_0_113_1@64500; Node_203_0_113_3@65546;");
  }

  @Test
  void aReflectorServesItsClientsAndIsOutOfTheMesh() {
    node("a", "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'224.0.0.1'}", "{'rr':''}");
    peer("reflectors", "{'nodeSelector':'!has(rr)','peerSelector':'has(rr)'}");
    assertThat(peers("a"))
        .isEqualTo("Node_192_0_2_12@64513 passive; Node_198_51_100_13@64512 passive client;");
    assertThat(peers("c")).isEqualTo("Mesh_192_0_2_12@64513; Node_192_0_2_11@64512;");
  }

  /** Each session that one side has the other side has too, with the numbers turned round. */
  private void assertAgreed(String one, String other, String session) {
    BgpSession here = find(one, other);
    BgpSession there = find(other, one);
    assertThat(here.asNumber()).as(session).isEqualTo(there.localAsNumber());
    assertThat(there.asNumber()).as(session).isEqualTo(here.localAsNumber());
    assertThat(here.role().passive()).as(session).isNotEqualTo(there.role().passive());
  }

  private BgpSession find(String node, String peer) {
    return sessions(node).stream()
        .filter(session -> session.address().equals(cluster.v4(peer).address()))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void bothSidesOfASessionAgree() {
    node("c", "{'ipv4Address':'198.51.100.13/24'}", "{'far':''}");
    assertAgreed("a", "b", "mesh");
    peer("other-as", "{'node':'a','peerSelector':'has(far)','localASNumber':65100}");
    assertAgreed("a", "c", "one side poses as another AS");
    peer("both", "{'nodeSelector':'all()','peerSelector':'all()','localASNumber':65101}");
    assertAgreed("b", "c", "both sides pose as another AS");
  }

  @Test
  void aNodeThatIsNamedByItsAddressPeersBack() {
    configuration("{'nodeToNodeMeshEnabled':false}");
    peer("address", "{'node':'c','peerIP':'192.0.2.11:179','asNumber':64512}");
    assertAgreed("a", "c", "selected by the other's address");
  }

  @Test
  void aWayBackCanBeLeftToTheOperator() {
    configuration("{'nodeToNodeMeshEnabled':false}");
    node("c", "{'ipv4Address':'198.51.100.13/24'}", "{'far':''}");
    peer("one", "{'node':'a','peerSelector':'has(far)','reversePeering':'Manual'}");
    assertThat(sessions("a")).hasSize(1);
    assertThat(sessions("c")).isEmpty();
    peer("one", "{'node':'a','peerSelector':'has(far)','reversePeering':'Auto'}");
    assertThat(sessions("c")).hasSize(1);
  }

  @Test
  void whatCannotBeDoneIsNoted() {
    String key = "'password':{'secretKeyRef':{'name':'s','key':'k'}}";
    peer("p", "{'node':'a','peerIP':'203.0.113.1','asNumber':1,'filters':['none']," + key + "}");
    peer("q", "{'node':'a','peerIP':'203.0.113.2'}");
    assertThat(sessions("a")).filteredOn(session -> session.options().down()).hasSize(1);
    assertThat(cluster.notes())
        .containsExactlyInAnyOrder(
            "BGPPeer p names BGPFilter none, which does not exist: it filters nothing",
            "sessions of BGPPeer p stay down: it is missing",
            "BGPPeer q has no asNumber: there is no session for it");
    cluster.secret("s/k", "hidden").filter("none", "{}");
    assertThat(sessions("a")).noneMatch(session -> session.options().down());
    assertThat(cluster.notes()).hasSize(1);
    assertThat(cluster.view("a").toString()).doesNotContain("hidden");
  }

  @Test
  void ownConfirmedBlocksAreAnnounced() {
    cluster
        .block("a", "ipv4", "10.65.1.0-26")
        .put("/calico/ipam/v2/host/a/ipv4/block/10.65.2.0-26", "{'state':'pending'}")
        .pool("open", "{'cidr':'10.65.0.0/16'}")
        .pool("secret", "{'cidr':'10.66.0.0/16','disableBGPExport':true}");
    assertThat(cluster.v4("a").blocks()).hasToString("[10.65.1.0/26]");
    assertThat(cluster.v4("b").blocks()).isEmpty();
    assertThat(cluster.v4("a").pools())
        .extracting(BgpView.Pool::hidden)
        .containsExactly(false, true);
  }
}
