package io.calico4j.felix.calculation;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.ipam.decision.IpamKeys.Affinity;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.RouteUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Host a is this node, b is in its subnet, c is not. */
class RouteResolverTest {
  private static final NodeSpec A = node("192.0.2.1/24", "10.65.1.0", "10.65.1.1");
  private static final NodeSpec B = node("192.0.2.2/24", "10.65.2.0", "10.65.2.1");
  private static final NodeSpec C = node("198.51.100.3/24", "10.65.3.0", "10.65.3.1");

  private final RouteResolver resolver = new RouteResolver("a");

  /** What the dataplane knows, a text for each thing. */
  private final Map<String, String> told = new TreeMap<>();

  private static NodeSpec node(String address, String ipip, String vxlan) {
    return new NodeSpec(
        new NodeSpec.Bgp(null, address, "2001:db8::" + vxlan.charAt(6) + "/64", ipip, null),
        vxlan,
        null,
        "fd00::" + vxlan.charAt(6),
        null,
        List.of());
  }

  private static IpPoolSpec pool(String cidr, String ipip, String vxlan) {
    return new IpPoolSpec(cidr, vxlan, ipip, null, null, null, null, null, null, null, null);
  }

  private void start(String ipip, String vxlan) {
    resolver.putPool("pool", pool("10.65.0.0/16", ipip, vxlan));
    resolver.putNode("a", A);
    resolver.putNode("b", B);
    resolver.putNode("c", C);
    affinity("a", "10.65.1.0/26");
    affinity("b", "10.65.2.0/26");
    affinity("c", "10.65.3.0/26");
  }

  private void affinity(String node, String block) {
    resolver.putAffinity(new Affinity(node, Cidr.parse(block)), true);
  }

  private Map<String, String> told() {
    for (DataplaneUpdate update : resolver.takeChanges()) {
      if (update instanceof RouteUpdate route) {
        ClusterRoute r = route.route();
        told.put(r.destination().toString(), r.way() + " " + r.tunnel() + " " + r.gateway());
      } else if (update instanceof RouteRemoved route) {
        assertThat(told.remove(route.destination().toString())).isNotNull();
      } else if (update instanceof VtepUpdate vtep) {
        told.put(
            vtep.tunnel() + " " + vtep.node(),
            vtep.address() + " " + vtep.mac() + " " + vtep.host());
      } else if (update instanceof VtepRemoved vtep) {
        assertThat(told.remove(vtep.tunnel() + " " + vtep.node())).isNotNull();
      } else if (update instanceof LocalTunnelUpdate end) {
        told.put(end.tunnel().toString(), end.host() + " " + end.address());
      } else if (update instanceof LocalTunnelRemoved end) {
        assertThat(told.remove(end.tunnel().toString())).isNotNull();
      }
    }
    return told;
  }

  @ParameterizedTest
  @CsvSource({
    "Never,       Never,       , , ",
    "Never,       Always,      OWN VXLAN null, TUNNEL VXLAN 10.65.2.1,   TUNNEL VXLAN 10.65.3.1",
    "Never,       CrossSubnet, OWN VXLAN null, DIRECT VXLAN 192.0.2.2,   TUNNEL VXLAN 10.65.3.1",
    "Always,      Never,       OWN IPIP null,  TUNNEL IPIP 192.0.2.2,    TUNNEL IPIP 198.51.100.3",
    "CrossSubnet, Never,       OWN IPIP null,  DIRECT IPIP 192.0.2.2,    TUNNEL IPIP 198.51.100.3",
  })
  void routesOfAPool(String ipip, String vxlan, String own, String near, String far) {
    start(ipip, vxlan);
    assertThat(told().get("10.65.1.0/26")).isEqualTo(own);
    assertThat(told().get("10.65.2.0/26")).isEqualTo(near);
    assertThat(told().get("10.65.3.0/26")).isEqualTo(far);
    assertThat(told().containsKey("IPIP")).isEqualTo(!ipip.equals("Never"));
    assertThat(told().containsKey("VXLAN")).isEqualTo(!vxlan.equals("Never"));
    assertThat(told().containsKey("VXLAN b")).isEqualTo(!vxlan.equals("Never"));
    assertThat(told()).doesNotContainKeys("VXLAN a", "IPIP b");
  }

  @Test
  void theEndsOfATunnelHaveUpstreamsAddresses() {
    resolver.putPool("pool", pool("10.65.0.0/16", "Never", "Always"));
    resolver.putPool("six", pool("fd00::/64", "Never", "Always"));
    resolver.putNode("a", A);
    resolver.putNode("host-a", B);
    assertThat(told())
        .containsEntry("VXLAN", "192.0.2.1 10.65.1.1")
        .containsEntry("VXLAN_V6", "2001:db8::1 fd00::1")
        .containsEntry("VXLAN host-a", "10.65.2.1 66:b7:a0:7e:28:cc 192.0.2.2")
        .hasEntrySatisfying(
            "VXLAN_V6 host-a",
            end -> assertThat(end).startsWith("fd00::2 66:").endsWith(" 2001:db8::2"));
    resolver.putNode(
        "host-a",
        new NodeSpec(B.bgp(), "10.65.2.1", "0a:00:00:00:00:02", null, "not a MAC", List.of()));
    assertThat(told())
        .containsEntry("VXLAN host-a", "10.65.2.1 0a:00:00:00:00:02 192.0.2.2")
        .doesNotContainKey("VXLAN_V6 host-a");
  }

  @Test
  void routesOfANodeWaitForItsEndOfTheTunnel() {
    start("Never", "Always");
    resolver.putNode("b", new NodeSpec(B.bgp(), null, null, null, null, List.of()));
    assertThat(told()).doesNotContainKeys("10.65.2.0/26", "VXLAN b");
    resolver.putNode("b", B);
    assertThat(told()).containsKeys("10.65.2.0/26", "VXLAN b");
    resolver.putNode("b", new NodeSpec(null, "10.65.2.1", null, null, null, List.of()));
    assertThat(told()).doesNotContainKeys("10.65.2.0/26", "VXLAN b").containsKey("10.65.3.0/26");
    resolver.putNode("b", null);
    assertThat(told()).doesNotContainKeys("10.65.2.0/26", "VXLAN b");
  }

  @Test
  void aBorrowedAddressHasARouteOfItsOwn() {
    start("Never", "Always");
    List<Cidr> borrowed = List.of(Cidr.parse("10.65.2.7/32"));
    resolver.putEndpoint("web", "c", List.of(), borrowed);
    assertThat(told()).containsEntry("10.65.2.7/32", "TUNNEL VXLAN 10.65.3.1");
    resolver.putEndpoint("web", "b", borrowed, borrowed);
    assertThat(told()).as("where its block is").doesNotContainKey("10.65.2.7/32");
    resolver.putEndpoint("web", "a", borrowed, borrowed);
    assertThat(told()).as("here, where the plugin routes it").doesNotContainKey("10.65.2.7/32");
    resolver.putEndpoint("web", "c", borrowed, borrowed);
    resolver.putAffinity(new Affinity("b", Cidr.parse("10.65.2.0/26")), false);
    affinity("c", "10.65.2.0/26");
    assertThat(told())
        .as("the block has moved")
        .doesNotContainKey("10.65.2.7/32")
        .containsEntry("10.65.2.0/26", "TUNNEL VXLAN 10.65.3.1");
    resolver.putAffinity(new Affinity("c", Cidr.parse("10.65.2.0/26")), false);
    assertThat(told())
        .as("the block is nobody's")
        .containsEntry("10.65.2.7/32", "TUNNEL VXLAN 10.65.3.1")
        .doesNotContainKey("10.65.2.0/26");
    resolver.putEndpoint("web", null, borrowed, List.of());
    assertThat(told()).doesNotContainKey("10.65.2.7/32");
  }

  @Test
  void anEndOutsideTheNodesBlocksHasARouteOfItsOwn() {
    start("Never", "Always");
    resolver.putNode("b", node("192.0.2.2/24", "10.65.3.8", "10.65.3.9"));
    assertThat(told())
        .containsEntry("10.65.3.9/32", "TUNNEL VXLAN 10.65.3.9")
        .containsEntry("10.65.2.0/26", "TUNNEL VXLAN 10.65.3.9");
    resolver.putNode("b", B);
    assertThat(told()).doesNotContainKey("10.65.3.9/32");
  }

  @Test
  void aPoolThatChangesTakesItsRoutesAlong() {
    start("Never", "Always");
    assertThat(told()).hasSizeGreaterThan(4);
    resolver.putPool("pool", pool("10.65.0.0/16", "Never", "Never"));
    assertThat(told()).isEmpty();
    resolver.putPool("pool", pool("10.65.0.0/16", "Always", "Never"));
    assertThat(told()).containsKeys("IPIP", "10.65.2.0/26");
    resolver.putPool("pool", null);
    assertThat(told()).isEmpty();
  }

  @Test
  void aSingleBlockOfThisNodeHasNoBlackhole() {
    start("Never", "Always");
    affinity("a", "10.65.9.9/32");
    assertThat(told()).doesNotContainKey("10.65.9.9/32");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatIsToldDependsOnTheStateAndNotOnTheWayThere(long seed) {
    Random random = new Random(seed);
    for (Consumer<RouteResolver> step : state(random)) {
      step.accept(resolver);
      var unused = told();
    }
    List<Consumer<RouteResolver>> state = state(random);
    List<Consumer<RouteResolver>> shuffled = new ArrayList<>(state);
    Collections.shuffle(shuffled, random);
    for (Consumer<RouteResolver> step : shuffled) {
      step.accept(resolver);
      var unused = told();
    }
    RouteResolverTest fresh = new RouteResolverTest();
    state.forEach(step -> step.accept(fresh.resolver));
    assertThat(told()).isEqualTo(fresh.told());
  }

  /** Returns what puts the same keys, with other values each time, or removes them. */
  private static List<Consumer<RouteResolver>> state(Random random) {
    List<String> names = List.of("a", "b", "c");
    List<NodeSpec> specs = List.of(A, B, C);
    List<String> modes = List.of("Never", "Always", "CrossSubnet");
    List<Consumer<RouteResolver>> state = new ArrayList<>();
    for (String name : names) {
      NodeSpec spec = random.nextInt(5) == 0 ? null : specs.get(random.nextInt(3));
      state.add(r -> r.putNode(name, spec));
    }
    String vxlan = modes.get(random.nextInt(3));
    String ipip = vxlan.equals("Never") ? modes.get(random.nextInt(3)) : "Never";
    state.add(r -> r.putPool("pool", pool("10.65.0.0/16", ipip, vxlan)));
    for (int number = 0; number < 5; number++) {
      Cidr block = Cidr.parse("10.65." + number + ".0/26");
      String owner = random.nextInt(4) == 0 ? "" : names.get(random.nextInt(3));
      state.add(
          r -> names.forEach(name -> r.putAffinity(new Affinity(name, block), name.equals(owner))));
      String key = "endpoint" + number;
      String holder = random.nextInt(4) == 0 ? null : names.get(random.nextInt(3));
      List<Cidr> address = List.of(Cidr.parse("10.65." + number + ".5/32"));
      state.add(r -> r.putEndpoint(key, holder, address, holder == null ? List.of() : address));
    }
    return state;
  }
}
