package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A node's ends of tunnels. */
class TunnelAddressesTest {
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
  private final TunnelAddresses tunnels = new TunnelAddresses(datastore, ipam);

  @BeforeEach
  void node() throws Exception {
    resources.create(Resources.node("host-a", "192.0.2.1/24"));
  }

  private void pool(String name, String cidr, String ipip, String vxlan) throws Exception {
    resources.apply(Resources.pool(name, cidr).encapsulated(ipip, vxlan).build());
  }

  private String ipip() throws Exception {
    NodeSpec.Bgp bgp = tunnels.reconcile().bgp();
    return bgp == null ? null : bgp.ipv4IPIPTunnelAddr();
  }

  @Test
  void eachTunnelHasAnAddressWhileAPoolNeedsIt() throws Exception {
    assertThat(ipip()).isNull();
    pool("a", "10.1.0.0/16", "CrossSubnet", null);
    pool("b", "10.2.0.0/16", null, "Always");
    pool("c", "fd00:3::/64", null, "Always");

    NodeSpec node = tunnels.reconcile();
    assertThat(node.bgp().ipv4IPIPTunnelAddr()).startsWith("10.1.");
    assertThat(node.bgp().ipv4Address()).isEqualTo("192.0.2.1/24");
    assertThat(node.ipv4VXLANTunnelAddr()).startsWith("10.2.");
    assertThat(node.ipv6VXLANTunnelAddr()).startsWith("fd00:3:");
    assertThat(ipam.addressesOf(new HandleId("ipip-tunnel-addr-host-a"))).hasSize(1);
    assertThat(ipam.addressesOf(new HandleId("vxlan-v6-tunnel-addr-host-a"))).hasSize(1);
    assertThat(tunnels.reconcile()).isEqualTo(node);
    assertThat(IpamCheck.run(datastore)).isEmpty();

    pool("a", "10.1.0.0/16", "Never", null);
    pool("b", "10.2.0.0/16", null, "Never");
    pool("c", "fd00:3::/64", null, "Never");
    node = tunnels.reconcile();
    assertThat(node.bgp().ipv4IPIPTunnelAddr()).isNull();
    assertThat(node.ipv4VXLANTunnelAddr()).isNull();
    assertThat(node.ipv6VXLANTunnelAddr()).isNull();
    ipam.releaseAffinitiesIn(Cidr.parse("0.0.0.0/0"));
    ipam.releaseAffinitiesIn(Cidr.parse("::/0"));
    assertThat(datastore.list(IpamKeys.ROOT).entries()).isEmpty();
  }

  @Test
  void anAddressInTheWrongPoolIsExchanged() throws Exception {
    pool("a", "10.1.0.0/16", "Always", null);
    assertThat(ipip()).startsWith("10.1.");
    pool("a", "10.1.0.0/16", "Never", null);
    pool("b", "10.2.0.0/16", "Always", null);
    assertThat(ipip()).startsWith("10.2.");
    assertThat(ipam.addressesOf(new HandleId("ipip-tunnel-addr-host-a"))).hasSize(1);
  }

  @Test
  void anAddressThatSomebodyElseHoldsIsLeftToThem() throws Exception {
    pool("a", "10.1.0.0/16", "Always", null);
    IpAddress address = IpAddress.parse("10.1.0.9");
    ipam.assign(
        new AssignRequest(
            AssignRequest.Use.Workload,
            new HandleId("net.c1"),
            0,
            0,
            List.of(),
            List.of(),
            List.of(address),
            Map.of("node", "host-a")),
        Ipam.FurtherWrites.NONE);
    Resource<NodeSpec> node = resources.get(ResourceKind.NODE, "", "host-a").orElseThrow();
    resources.update(node.withSpec(node.spec().withIpipTunnelAddress("10.1.0.9")));

    assertThat(ipip()).startsWith("10.1.").isNotEqualTo("10.1.0.9");
    assertThat(ipam.addressesOf(new HandleId("net.c1"))).containsExactly(address);
  }

  @Test
  void whatAnInterruptedAttemptAssignedIsUsed() throws Exception {
    pool("a", "10.1.0.0/16", "Always", null);
    String first = ipip();
    Resource<NodeSpec> node = resources.get(ResourceKind.NODE, "", "host-a").orElseThrow();
    resources.update(node.withSpec(node.spec().withIpipTunnelAddress(null)));

    assertThat(ipip()).isEqualTo(first);
    assertThat(ipam.addressesOf(new HandleId("ipip-tunnel-addr-host-a"))).hasSize(1);
    assertThat(
            datastore.get(ResourceKey.of(ResourceKind.NODE, "host-a").path()).orElseThrow().value())
        .contains("\"ipv4IPIPTunnelAddr\":\"" + first + "\"");
  }
}
