package io.calico4j.felix.dataplane.route;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.Neighbour;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import io.calico4j.felix.calculation.ClusterRoute;
import io.calico4j.felix.calculation.ClusterRoute.Way;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import io.calico4j.felix.calculation.Tunnel;
import io.calico4j.felix.dataplane.route.OverlayState.Devices;
import io.calico4j.felix.dataplane.route.OverlayState.RouteKey;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Routes and neighbours as objects of the kernel; eth0 is interface 2, vxlan.calico 7. */
class OverlayStateTest {
  private static final Devices BOTH = new Devices(Map.of(Tunnel.VXLAN, 7), Map.of(Tunnel.VXLAN, 2));
  private static final Cidr BLOCK = Cidr.parse("10.65.2.0/26");
  private static final MacAddress MAC = new MacAddress("66:00:00:00:00:02");

  private final OverlayState state = new OverlayState();

  private void route(Cidr destination, Way way, @Nullable String gateway) {
    state.putRoute(
        new ClusterRoute(
            destination, way, Tunnel.VXLAN, gateway == null ? null : IpAddress.parse(gateway)));
  }

  private @Nullable Route desired(Cidr destination) {
    return state.routes().desired(new RouteKey(destination, 0));
  }

  @Test
  void routesWaitForTheirInterface() {
    route(BLOCK, Way.TUNNEL, "10.65.2.1");
    assertThat(desired(BLOCK)).isNull();
    state.putDevices(BOTH);
    assertThat(desired(BLOCK))
        .isEqualTo(Route.via(BLOCK, IpAddress.parse("10.65.2.1"), 7, Route.PROTOCOL_FELIX));
    state.putDevices(new Devices(Map.of(), Map.of(Tunnel.VXLAN, 2)));
    assertThat(desired(BLOCK)).isNull();
    route(BLOCK, Way.DIRECT, "192.0.2.2");
    assertThat(desired(BLOCK))
        .isEqualTo(Route.via(BLOCK, IpAddress.parse("192.0.2.2"), 2, Route.PROTOCOL_FELIX));
    route(BLOCK, Way.OWN, null);
    assertThat(desired(BLOCK)).isEqualTo(Route.blackhole(BLOCK, Route.PROTOCOL_FELIX));
    state.removeRoute(BLOCK);
    assertThat(desired(BLOCK)).isNull();
  }

  @Test
  void anEndByItselfIsOnTheLink() {
    state.putDevices(BOTH);
    Cidr end = Cidr.parse("10.65.9.9/32");
    route(end, Way.TUNNEL, "10.65.9.9");
    assertThat(desired(end)).isEqualTo(Route.connected(end, 7, Route.PROTOCOL_FELIX));
  }

  /** Where the node's address is one of the loopback interface, the kernel finds the interface. */
  @Test
  void aRouteWithoutInterfaceIsTheSameWithTheOneThatTheKernelFound() {
    state.putDevices(new Devices(Map.of(Tunnel.VXLAN, 7), Map.of(Tunnel.VXLAN, 0)));
    route(BLOCK, Way.DIRECT, "192.0.2.2");
    IpAddress gateway = IpAddress.parse("192.0.2.2");
    Route found = Route.via(BLOCK, gateway, 3, Route.PROTOCOL_FELIX);
    assertThat(state.asWritten(found)).isEqualTo(desired(BLOCK));
    Route elsewhere = Route.via(BLOCK, IpAddress.parse("192.0.2.9"), 3, Route.PROTOCOL_FELIX);
    assertThat(state.asWritten(elsewhere)).isNotEqualTo(desired(BLOCK));
  }

  @Test
  void onlyWhatFelixMadeIsItsOwn() {
    state.putDevices(BOTH);
    assertThat(state.isOwn(Route.connected(BLOCK, 2, Route.PROTOCOL_FELIX))).isTrue();
    assertThat(state.isOwn(Route.connected(BLOCK, 7, Route.PROTOCOL_BOOT)))
        .as("on the tunnel's device, as upstream's Felix writes it")
        .isTrue();
    assertThat(state.isOwn(Route.connected(BLOCK, 7, 2))).as("the kernel's").isFalse();
    assertThat(state.isOwn(Route.connected(BLOCK, 2, Route.PROTOCOL_BOOT))).isFalse();
  }

  @Test
  void theOtherEndsAreNeighboursWithForwardingEntries() {
    VtepUpdate vtep =
        new VtepUpdate(
            "b", Tunnel.VXLAN, IpAddress.parse("10.65.2.1"), MAC, IpAddress.parse("192.0.2.2"));
    state.putVtep(vtep);
    state.settle();
    assertThat(state.neighbours(Tunnel.VXLAN).isEmpty()).as("no device yet").isTrue();
    state.putDevices(BOTH);
    state.settle();
    assertThat(state.neighbours(Tunnel.VXLAN).desired(vtep.address()))
        .isEqualTo(new Neighbour(7, vtep.address(), MAC));
    assertThat(state.forwarding(Tunnel.VXLAN).desired(MAC))
        .isEqualTo(new Neighbour(7, vtep.host(), MAC));
    state.removeVtep("b", Tunnel.VXLAN);
    state.settle();
    assertThat(state.neighbours(Tunnel.VXLAN).isEmpty()).isTrue();
    assertThat(state.forwarding(Tunnel.VXLAN).isEmpty()).isTrue();
  }
}
