package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What goes with an address, an endpoint and a node. */
class RemovalTest extends CommandFixture {
  private static final String NODE_KEY = "/calico/resources/v3/projectcalico.org/nodes/host-a";
  private static final String AFFINITY = "/calico/ipam/v2/host/host-a/ipv4/block/10.65.1.0-26";
  private static final String BLOCK = "/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26";

  /** A host with an endpoint, a tunnel's address and a reserved one, as their agents leave them. */
  private void hostWithAnEndpoint() throws Exception {
    StringBuilder resources = new StringBuilder(POOL.formatted("one", "10.65.0.0/16"));
    for (String resource :
        new String[] {
          "kind: Node, metadata: {name: host-a}, spec: {ipv4VXLANTunnelAddr: 10.65.1.1}",
          "kind: Node, metadata: {name: host-b}",
          "kind: BGPPeer, metadata: {name: tor}, spec: {node: host-a, peerIP: 192.0.2.1, asNumber: 1}",
          "kind: BGPPeer, metadata: {name: all}, spec: {peerIP: 192.0.2.2, asNumber: 1}",
          "kind: HostEndpoint, metadata: {name: eth}, spec: {node: host-a, interfaceName: eth0}",
          "kind: FelixConfiguration, metadata: {name: node.host-a}, spec: {logPrefix: x}",
          "kind: WorkloadEndpoint, metadata: {name: host--a-cni-c1-eth0}, spec: {orchestrator: cni,"
              + " node: host-a, containerID: c1, endpoint: eth0, ipNetworks: [10.65.1.0/32],"
              + " interfaceName: cali1}",
        }) {
      resources.append("---\n{apiVersion: projectcalico.org/v3, ").append(resource).append("}\n");
    }
    assertThat(run("apply", "-f", file(resources.toString()))).as(err.toString()).isZero();
    try (Ipam ipam = new Ipam(new Unclosable(), new NodeName("host-a"))) {
      for (String address : new String[] {"10.65.1.0", "10.65.1.1", "10.65.1.2"}) {
        var unused =
            ipam.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    new HandleId("net." + address),
                    0,
                    0,
                    List.of(),
                    List.of(),
                    List.of(IpAddress.parse(address)),
                    Map.of("node", "host-a")),
                Ipam.FurtherWrites.NONE);
      }
    }
  }

  @Test
  void anAddressInUseIsReleasedOnlyByForce() throws Exception {
    hostWithAnEndpoint();
    assertThat(run("ipam", "release", "--ip=10.65.1.0")).isEqualTo(1);
    assertThat(err.toString())
        .contains("is used by WorkloadEndpoint host--a-cni-c1-eth0", "--force");
    assertThat(run("ipam", "release", "--ip=10.65.1.2")).isZero();
    assertThat(run("ipam", "show", "--ip=10.65.1.0")).isZero();
    assertThat(run("ipam", "release", "--force", "--ip=10.65.1.0")).isZero();
    assertThat(err.toString()).contains("warning: 10.65.1.0 is used by");
    assertThat(run("ipam", "release", "--ip=10.65.1.0", "--force")).isEqualTo(1);
  }

  @Test
  void anEndpointIsDeletedWithItsAddresses() throws Exception {
    hostWithAnEndpoint();
    assertThat(run("delete", "wep", "host--a-cni-c1-eth0")).as(err.toString()).isZero();
    assertThat(datastore.get("/calico/ipam/v2/handle/net.10.65.1.0")).isEmpty();
    assertThat(datastore.get("/calico/ipam/v2/handle/net.10.65.1.1")).isPresent();
  }

  @Test
  void aNodeIsDeletedWithAllThatIsItsOwn() throws Exception {
    hostWithAnEndpoint();
    assertThat(datastore.get(AFFINITY)).isPresent();
    assertThat(run("delete", "node", "host-a")).as(err.toString()).isZero();
    assertThat(datastore.get(NODE_KEY)).isEmpty();
    assertThat(datastore.get(AFFINITY)).isEmpty();
    assertThat(datastore.get(BLOCK)).isEmpty();
    assertThat(datastore.list("/calico/ipam/v2/handle/").entries()).isEmpty();
    assertThat(run("get", "wep", "-A", "-o", "json")).isZero();
    assertThat(out.toString()).doesNotContain("host--a");
    assertThat(
            datastore.list("/calico/resources/v3/projectcalico.org/").entries().stream()
                .map(e -> e.key().substring(e.key().lastIndexOf('/') + 1)))
        .containsExactlyInAnyOrder("one", "host-b", "all");
    assertThat(run("ipam", "check")).as(out.toString()).isZero();
  }

  @Test
  void endpointsOfANodeThatIsNotThereAreNamedAndRepaired() throws Exception {
    hostWithAnEndpoint();
    long unused = datastore.commit(Transaction.builder().delete(NODE_KEY).build());
    assertThat(run("ipam", "check")).isEqualTo(1);
    assertThat(out.toString())
        .containsPattern("NO_NODE +default/host--a-cni-c1-eth0 +node host-a does not exist");
    assertThat(run("ipam", "check", "--repair", "--grace=0")).as(out.toString()).isZero();
    assertThat(out.toString()).contains("repaired NO_NODE default/host--a-cni-c1-eth0");
    assertThat(datastore.list("/calico/ipam/v2/handle/").entries()).isEmpty();
  }

  @Test
  void clusterInformationIsReadOnly() throws Exception {
    String key = "/calico/resources/v3/projectcalico.org/clusterinformations/default";
    String information =
        "{apiVersion: projectcalico.org/v3, kind: ClusterInformation, metadata: {name: default}}";
    assertThat(run("apply", "-f", file(information))).isEqualTo(1);
    assertThat(err.toString()).contains("ClusterInformation(default) is read-only");
    long unused = datastore.commit(Transaction.builder().put(key, "{}").build());
    assertThat(run("delete", "clusterinformation", "default")).isEqualTo(1);
    assertThat(datastore.get(key)).isPresent();
  }
}
