package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Two hosts without a mesh that know each other's workloads by a route reflector only: by a Calico
 * node, then by FRR. The reflector is on no packet's way, because next hops stay as they are.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class BgpReflectorsIT {
  private static final int SECONDS = 60;
  private static final String REFLECTOR = "192.0.2.13";
  private static final String FRR = "192.0.2.61";

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost near;
  private TestHost other;
  private Workload from;
  private Workload to;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    EtcdProcess unused = testbed.startEtcd();
    near = testbed.addHost("near", 11, "64512");
    other = testbed.addHost("other", 12, "64512");
    TestHost reflector = testbed.addHost("reflector", 13, "64512");
    for (TestHost host : List.of(near, other, reflector)) {
      host.startAgent();
    }
    apply(
        """
        {apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: {name: default},
         spec: {nodeToNodeMeshEnabled: false}}
        ---
        {apiVersion: projectcalico.org/v3, kind: Node,
         metadata: {name: reflector, labels: {reflects: 'yes'}},
         spec: {bgp: {ipv4Address: 192.0.2.13/24, asNumber: 64512,
                      routeReflectorClusterID: 244.0.0.1}}}
        """);
    from = near.start("from", Orchestrator.RKT, "front", Map.of());
    to = other.start("to", Orchestrator.RKT, "front", Map.of());
    Await.until(
        "without mesh and reflector there is no route",
        SECONDS,
        () -> sessions(near).isEmpty() && route(near, to).isEmpty());
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private void apply(String documents) throws IOException {
    Command.Outcome outcome = near.calicoctl(documents, "apply", "-f", "-");
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
  }

  /** Returns the addresses of the peers with which a host's sessions are up. */
  private static List<String> sessions(TestHost host) throws IOException {
    return host.calicoctl("", "node", "status")
        .output()
        .lines()
        .filter(line -> line.contains("Established"))
        .map(line -> line.replaceAll("^[^0-9]*([0-9.]+).*", "$1"))
        .toList();
  }

  /** Returns the route of a host to the block of another host's workload; empty when none. */
  private static String route(TestHost host, Workload workload) throws IOException {
    String block = workload.address().replaceAll("[0-9]+$", "0/24");
    return host.namespace().ip("route", "show", "root", block, "proto", "bird").strip();
  }

  private void reflectedBy(String reflector) throws IOException {
    for (TestHost host : List.of(near, other)) {
      Await.until(
          host.name() + " has a session with " + reflector + " only",
          SECONDS,
          () -> sessions(host).equals(List.of(reflector)));
    }
    Await.until(
        "the next hop is the other host",
        SECONDS,
        () ->
            route(near, to).contains("via " + other.address())
                && route(other, from).contains("via " + near.address()));
    Await.until("packets come", SECONDS, () -> PacketProbe.ping(from.sandbox(), to.address()));
    assertThat(PacketProbe.ping(to.sandbox(), from.address())).isTrue();
  }

  @Test
  @Order(1)
  void aCalicoNodeReflects() throws Exception {
    apply(
        """
        {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: reflectors},
         spec: {nodeSelector: "!has(reflects)", peerSelector: has(reflects)}}
        """);
    reflectedBy(REFLECTOR);
    Command.Outcome deleted = near.calicoctl("", "delete", "bgppeer", "reflectors");
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    Await.until("the route goes with the reflector", SECONDS, () -> route(near, to).isEmpty());
  }

  @Test
  @Order(2)
  void frrReflects() throws Exception {
    Namespace namespace = testbed.addHost("frr", 61, "64512").namespace();
    try (Frr frr =
        Frr.start(
            namespace,
            state.resolve("frr-state"),
            """
            router bgp 64512
             bgp router-id 192.0.2.61
             bgp cluster-id 244.0.0.2
             neighbor 192.0.2.11 remote-as 64512
             neighbor 192.0.2.11 timers connect 1
             neighbor 192.0.2.12 remote-as 64512
             neighbor 192.0.2.12 timers connect 1
             address-family ipv4 unicast
              neighbor 192.0.2.11 route-reflector-client
              neighbor 192.0.2.12 route-reflector-client
             exit-address-family
            """)) {
      apply(
          """
          {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: rack},
           spec: {nodeSelector: "!has(reflects)", peerIP: 192.0.2.61, asNumber: 64512}}
          """);
      reflectedBy(FRR);
      assertThat(
              near.command("birdc", "-s", "/run/calico/bird.ctl", "show", "route", "all").mustRun())
          .contains("BGP.cluster_list: 244.0.0.2");
      assertThat(frr.vtysh("show bgp ipv4 unicast")).contains(near.address(), other.address());
    }
  }
}
