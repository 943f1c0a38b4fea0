package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which pools a request may use, and how a pool goes. */
class PoolsTest {
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));

  @BeforeEach
  void node() throws Exception {
    resources.create(
        Resource.create(
            ResourceKind.NODE,
            Metadata.named(null, "host-a").withLabels(Map.of("rack", "r1")),
            NodeSpec.EMPTY));
  }

  private void pool(
      String name, String cidr, String nodes, String namespaces, List<String> uses, String mode)
      throws Exception {
    resources.create(
        Resources.pool(name, cidr).selecting(nodes, namespaces).usedFor(uses, mode).build());
  }

  private IpAddress assign(AssignRequest.Use use, String handle, String... pools) throws Exception {
    return ipam.assign(
            new AssignRequest(
                use,
                new HandleId(handle),
                1,
                0,
                List.of(pools),
                List.of(),
                List.of(),
                Map.of("node", "host-a")),
            Ipam.FurtherWrites.NONE)
        .addresses()
        .get(0);
  }

  @ParameterizedTest
  @CsvSource({
    "Workload, '', 10.2.0.0/16",
    "Tunnel, '', 10.1.0.0/16",
    "LoadBalancer, '', 10.3.0.0/16",
    "Workload, e-manual, 10.5.0.0/16",
    "Workload, 10.5.0.0/16, 10.5.0.0/16",
    "Workload, d-other-rack, 10.4.0.0/16",
  })
  void theUseTheNodeAndTheRequestChooseThePool(
      AssignRequest.Use use, String requested, String expected) throws Exception {
    pool("a-tunnels", "10.1.0.0/16", "all()", null, List.of("Tunnel"), null);
    pool("b-workloads", "10.2.0.0/16", "rack == 'r1'", null, List.of("Workload"), null);
    pool("c-services", "10.3.0.0/16", null, null, List.of("LoadBalancer"), null);
    pool("d-other-rack", "10.4.0.0/16", "rack == 'r2'", null, List.of("Workload"), null);
    pool("e-manual", "10.5.0.0/16", null, null, List.of("Workload"), "Manual");

    IpAddress address =
        requested.isEmpty() ? assign(use, "net.c1") : assign(use, "net.c1", requested);
    assertThat(Cidr.parse(expected).contains(address)).as("%s in %s", address, expected).isTrue();
  }

  @Test
  void nothingOfTheHostsOwnNetworksIsAssigned() throws Exception {
    pool("lan", "192.168.0.0/24", null, null, List.of("Workload"), null);
    ipam.putHostNetworks(List.of(Cidr.parse("192.168.0.0/25"), Cidr.parse("192.168.0.192/28")));
    for (int i = 0; i < 112; i++) {
      IpAddress address = assign(AssignRequest.Use.Workload, "net.c" + i);
      assertThat(Cidr.parse("192.168.0.128/25").contains(address)).as("%s", address).isTrue();
      assertThat(Cidr.parse("192.168.0.192/28").contains(address)).as("%s", address).isFalse();
    }
    assertThat(datastore.list(IpamKeys.blocks(IpFamily.IPV4)).entries())
        .as("no block lies in a host's network")
        .hasSize(2);
    assertThatThrownBy(() -> assign(AssignRequest.Use.Workload, "net.last"))
        .isInstanceOf(PoolExhaustedException.class)
        .hasMessageContaining(
            "without 192.168.0.0/25, 192.168.0.192/28, networks of this host's interfaces");
    assertThatThrownBy(
            () ->
                ipam.assign(
                    new AssignRequest(
                        AssignRequest.Use.Workload,
                        new HandleId("net.asked"),
                        0,
                        0,
                        List.of(),
                        List.of(),
                        List.of(IpAddress.parse("192.168.0.5")),
                        Map.of("node", "host-a")),
                    Ipam.FurtherWrites.NONE))
        .hasMessageContaining("192.168.0.5 lies in 192.168.0.0/25, a network of this host's");
  }

  @Test
  void aPoolForNamedNamespacesIsNotForWorkloadsWithoutLabels() throws Exception {
    pool("a", "10.1.0.0/16", null, "team == 'x'", List.of("Workload"), null);
    assertThatThrownBy(() -> assign(AssignRequest.Use.Workload, "net.c1"))
        .hasMessageContaining("no configured Calico pools for node host-a");
    pool("b", "10.2.0.0/16", null, "!has(team)", List.of("Workload"), null);
    assertThat(assign(AssignRequest.Use.Workload, "net.c1").toString()).startsWith("10.2.");
  }

  @Test
  void aDeletedPoolLeavesTheAddressesInUseAndNothingElse() throws Exception {
    pool("a", "10.1.0.0/16", null, null, null, null);
    IpAddress address = assign(AssignRequest.Use.Workload, "net.c1");
    assertThat(ipam.blocksOf(IpFamily.IPV4)).hasSize(1);

    new PoolRemoval(datastore).run("a");

    assertThat(resources.list(ResourceKind.IP_POOL)).isEmpty();
    assertThat(ipam.blocksOf(IpFamily.IPV4)).isEmpty();
    assertThat(ipam.addressesOf(new HandleId("net.c1"))).containsExactly(address);
    assertThat(ipam.release(new HandleId("net.c1"))).containsExactly(address);
    assertThat(datastore.list(IpamKeys.ROOT).entries()).isEmpty();
    assertThatThrownBy(() -> new PoolRemoval(datastore).run("a"))
        .isInstanceOf(NotFoundException.class);
  }

  @Test
  void aPoolWhoseSelectorCannotBeReadIsLeftOutAndNamedWhereNoOtherIsLeft() throws Exception {
    pool("a-good", "10.1.0.0/16", "all()", null, null, null);
    pool("b-bad", "10.2.0.0/16", "all()", null, null, null);
    damage("b-bad", "all()", "rack ~ 1");

    assertThat(assign(AssignRequest.Use.Workload, "net.c1").toString()).startsWith("10.1.");
    assertThat(assign(AssignRequest.Use.Workload, "net.c2", "a-good").toString())
        .startsWith("10.1.");

    damage("a-good", "\"cidr\"", "\"disabled\":true,\"cidr\"");
    assertThatThrownBy(() -> assign(AssignRequest.Use.Workload, "net.c3"))
        .isInstanceOf(IpamException.class)
        .hasMessageContaining("b-bad")
        .hasMessageContaining("rack ~ 1");
  }

  private void damage(String pool, String what, String by) throws Exception {
    Entry stored = datastore.get(ResourceKey.of(ResourceKind.IP_POOL, pool).path()).orElseThrow();
    assertThat(stored.value()).contains(what);
    datastore.commit(
        Transaction.builder()
            .update(stored.key(), stored.value().replace(what, by), stored.revision())
            .build());
  }
}
