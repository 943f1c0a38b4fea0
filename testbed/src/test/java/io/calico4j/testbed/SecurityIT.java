package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a workload cannot do, whatever packets it makes: the table in felix' README, with packets.
 * Each row sends what must not arrive, and after it what must, by the same way: when that has
 * arrived, the first has not been late but dropped. Every workload may be sent UDP to port 6000,
 * and what looks like encapsulation, and nothing else; the host accepts everything from workloads,
 * so that only the promise itself keeps a packet from it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SecurityIT {
  private static final int OPEN = 6000;
  private static final int CLOSED = 7000;
  private static final int HOST_PORT = 6001;

  /** Of a service that no connection has been made to. */
  private static final int OTHER_PORT = 6002;

  private static final String HOST = "192.0.2.11";
  private static final String HOST_LOOPBACK = "10.255.0.1";
  private static final String HOST_V6 = "fd00:92::11";

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost host;
  private Workload attacker;
  private Workload victim;
  private String attackerMac;
  private String attackerV6;
  private String victimV6;
  private RawNetwork.Record arrived;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("secured", 11, "64512");
    host.namespace().ip("address", "add", HOST_LOOPBACK + "/32", "dev", "lo");
    host.namespace().ip("address", "add", HOST_V6 + "/64", "dev", "eth0", "nodad");
    // As on a host where another program wants it: nothing may rely on its being off.
    host.namespace().command("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1").mustRun();
    host.startAgent();
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64"}
        ---
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: one-port}
        spec:
          types: [Ingress]
          ingress:
          - {action: Allow, protocol: UDP, destination: {ports: [6000, 4789]}}
          - {action: Allow, protocol: 4}
        """);
    toHost("Accept");
    attacker = host.start("attacker", Orchestrator.DUAL_STACK, "net", Map.of());
    victim = host.start("victim", Orchestrator.DUAL_STACK, "net", Map.of());
    attackerMac = mac(attacker);
    attackerV6 = addressV6(attacker);
    victimV6 = addressV6(victim);
    arrived = RawNetwork.record(victim.sandbox(), state);
    String good = "<first>";
    Await.until(
        "what is allowed arrives",
        30,
        () -> {
          send(Frame.udp(attackerMac, attacker.address(), victim.address(), OPEN, good));
          return arrived.text().contains(good);
        });
  }

  @AfterAll
  void stop() throws Exception {
    arrived.close();
    testbed.close();
  }

  private void apply(String resources) throws IOException {
    Command.Outcome applied = host.calicoctl(resources, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private void toHost(String action) throws IOException {
    apply(
        "{apiVersion: projectcalico.org/v3, kind: FelixConfiguration, metadata: {name: node.secured},"
            + " spec: {defaultEndpointToHostAction: "
            + action
            + "}}");
  }

  private static String mac(Workload workload) throws IOException {
    return workload.sandbox().command("cat", "/sys/class/net/eth0/address").mustRun().strip();
  }

  private static String addressV6(Workload workload) throws IOException {
    String line =
        workload.sandbox().ip("-6", "-o", "address", "show", "dev", "eth0", "scope", "global");
    return line.replaceAll("(?s).* inet6 ([0-9a-f:]+)/128.*", "$1");
  }

  private void send(byte[]... frames) throws IOException {
    RawNetwork.send(attacker.sandbox(), List.of(frames));
  }

  /** Attacks on another workload: none arrives, the control after it does. */
  enum Attack {
    SOURCE_OF_ANOTHER_WORKLOAD((t, m) -> t.udp(t.victim.address(), t.victim.address(), OPEN, m)),
    SOURCE_OF_THE_HOST((t, m) -> t.udp(HOST, t.victim.address(), OPEN, m)),
    SOURCE_OF_THE_GATEWAY((t, m) -> t.udp("169.254.1.1", t.victim.address(), OPEN, m)),
    SOURCE_FROM_OUTSIDE((t, m) -> t.udp("203.0.113.9", t.victim.address(), OPEN, m)),
    SOURCE_IN_THE_POOL((t, m) -> t.udp("10.65.255.9", t.victim.address(), OPEN, m)),
    SOURCE_OF_LOOPBACK((t, m) -> t.udp("127.0.0.1", t.victim.address(), OPEN, m)),
    SOURCE_NOTHING((t, m) -> t.udp("0.0.0.0", t.victim.address(), OPEN, m)),
    SOURCE_OF_ANOTHER_WORKLOAD_V6((t, m) -> t.udp(t.victimV6, t.victimV6, OPEN, m)),
    SOURCE_OF_THE_HOST_V6((t, m) -> t.udp(HOST_V6, t.victimV6, OPEN, m)),
    SOURCE_FROM_OUTSIDE_V6((t, m) -> t.udp("2001:db8::9", t.victimV6, OPEN, m)),
    SOURCE_OF_LOOPBACK_V6((t, m) -> t.udp("::1", t.victimV6, OPEN, m)),
    SOURCE_LINK_LOCAL((t, m) -> t.udp("fe80::bad", t.victimV6, OPEN, m)),
    SOURCE_NOTHING_V6((t, m) -> t.udp("::", t.victimV6, OPEN, m)),
    A_PORT_THAT_IS_CLOSED((t, m) -> t.udp(t.attacker.address(), t.victim.address(), CLOSED, m)),
    A_PORT_THAT_IS_CLOSED_V6((t, m) -> t.udp(t.attackerV6, t.victimV6, CLOSED, m)),
    IP_IN_IP(
        (t, m) ->
            List.of(
                Frame.toHost(
                    t.attackerMac,
                    Frame.packet(
                        t.attacker.address(),
                        t.victim.address(),
                        Frame.IPIP,
                        Frame.packet(
                            "10.9.9.9",
                            t.victim.address(),
                            Frame.UDP,
                            Frame.datagram("10.9.9.9", 1, t.victim.address(), OPEN, m),
                            0,
                            false),
                        0,
                        false)))),
    VXLAN((t, m) -> t.udp(t.attacker.address(), t.victim.address(), 4789, m)),
    FRAGMENTS_TO_A_CLOSED_PORT(
        (t, m) ->
            Frame.fragments(
                t.attackerMac, t.attacker.address(), t.victim.address(), CLOSED, pad(m), 64)),
    FRAGMENTS_TO_A_CLOSED_PORT_V6(
        (t, m) -> Frame.fragments(t.attackerMac, t.attackerV6, t.victimV6, CLOSED, pad(m), 64)),
    A_LAST_FRAGMENT_ALONE_V6(
        (t, m) ->
            Frame.fragments(t.attackerMac, t.attackerV6, t.victimV6, OPEN, pad(m), 64)
                .subList(1, 2)),
    A_TINY_FIRST_FRAGMENT(
        (t, m) ->
            Frame.fragments(t.attackerMac, t.attacker.address(), t.victim.address(), CLOSED, m, 8)),
    A_LAST_FRAGMENT_ALONE(
        (t, m) ->
            Frame.fragments(
                    t.attackerMac, t.attacker.address(), t.victim.address(), OPEN, pad(m), 64)
                .subList(1, 2)),
    A_FIRST_FRAGMENT_THAT_IS_OVERWRITTEN(
        (t, m) -> {
          // The first says a closed port; another first one, an open port; then comes the rest.
          List<byte[]> open =
              Frame.fragments(
                  t.attackerMac, t.attacker.address(), t.victim.address(), OPEN, pad(m), 64);
          List<byte[]> closed =
              Frame.fragments(
                  t.attackerMac, t.attacker.address(), t.victim.address(), CLOSED, pad(m), 64);
          return List.of(closed.get(0), open.get(0), open.get(1));
        });

    private final BiFunction<SecurityIT, String, List<byte[]>> frames;

    Attack(BiFunction<SecurityIT, String, List<byte[]>> frames) {
      this.frames = frames;
    }

    private String text() {
      return "<" + name().toLowerCase(java.util.Locale.ROOT).replace('_', '-') + ">";
    }
  }

  /** Puts the text behind so much that it is in the second fragment. */
  private static String pad(String text) {
    return "x".repeat(100) + text;
  }

  private List<byte[]> udp(String from, String to, int port, String text) {
    return List.of(Frame.udp(attackerMac, from, to, port, text));
  }

  @ParameterizedTest
  @EnumSource(Attack.class)
  void doesNotArrive(Attack attack) throws Exception {
    String bad = attack.text();
    String good = bad.replace("<", "<good-");
    String goodV6 = bad.replace("<", "<good6-");
    RawNetwork.send(attacker.sandbox(), attack.frames.apply(this, bad));
    send(
        Frame.udp(attackerMac, attacker.address(), victim.address(), OPEN, good),
        Frame.udp(attackerMac, attackerV6, victimV6, OPEN, goodV6));
    arrived.await(good);
    arrived.await(goodV6);
    assertThat(arrived.text()).doesNotContain(bad);
  }

  /** What must go on working although attacks look like it. */
  @Test
  void fragmentsToAnOpenPortArrive() throws Exception {
    RawNetwork.send(
        attacker.sandbox(),
        Frame.fragments(
            attackerMac,
            attacker.address(),
            victim.address(),
            OPEN,
            pad("<fragments-that-are-allowed>"),
            64));
    arrived.await("<fragments-that-are-allowed>");
    RawNetwork.send(
        attacker.sandbox(),
        Frame.fragments(
            attackerMac, attackerV6, victimV6, OPEN, pad("<fragments-that-are-allowed-six>"), 64));
    arrived.await("<fragments-that-are-allowed-six>");
  }

  /** The host accepts everything from workloads here, but what would pass for another host's. */
  @Test
  void theHostTakesNoEncapsulationFromAWorkload() throws Exception {
    try (RawNetwork.Record vxlan = RawNetwork.serve(host.namespace(), HOST, 4789, state)) {
      send(
          Frame.udp(attackerMac, attacker.address(), HOST, 4789, "<vxlan>"),
          Frame.udp(attackerMac, attacker.address(), victim.address(), OPEN, "<after-vxlan>"));
      arrived.await("<after-vxlan>");
      host.namespace().command("bash", "-c", "echo '<own>' > /dev/udp/" + HOST + "/4789").mustRun();
      vxlan.await("<own>");
      assertThat(vxlan.text()).doesNotContain("<vxlan>");
    }
  }

  /** Addresses of the host that a workload does not reach, and those that it does. */
  @ParameterizedTest
  @EnumSource(HostAddress.class)
  void servicesOfTheHost(HostAddress address) throws Exception {
    try (RawNetwork.Record service =
        RawNetwork.serve(host.namespace(), address.listen, HOST_PORT, state)) {
      boolean v6 = address.to.contains(":");
      String own = v6 ? attackerV6 : attacker.address();
      String text = "<" + address.name() + ">";
      if (address.reachable) {
        send(Frame.udp(attackerMac, own, address.to, HOST_PORT, text));
        service.await(text);
        return;
      }
      send(
          Frame.udp(attackerMac, own, address.to, HOST_PORT, text),
          Frame.udp(attackerMac, v6 ? "::1" : "127.0.0.1", address.to, HOST_PORT, text));
      // The host itself is served: the service is there, and has had the time.
      host.namespace()
          .command("bash", "-c", "echo '<own>' > /dev/udp/" + address.listen + "/" + HOST_PORT)
          .mustRun();
      service.await("<own>");
      assertThat(service.text()).doesNotContain(text);
    }
  }

  /** An address that a service of the host listens on, and where a workload sends to. */
  enum HostAddress {
    NODE_ADDRESS(HOST, HOST, true),
    NODE_ADDRESS_V6(HOST_V6, HOST_V6, true),
    LOOPBACK("127.0.0.1", "127.0.0.1", false),
    LOOPBACK_NETWORK("127.0.0.53", "127.0.0.53", false),
    LOOPBACK_V6("::1", "::1", false),
    OTHER_ADDRESS_OF_LO(HOST_LOOPBACK, HOST_LOOPBACK, false);

    private final String listen;
    private final String to;
    private final boolean reachable;

    HostAddress(String listen, String to, boolean reachable) {
      this.listen = listen;
      this.to = to;
      this.reachable = reachable;
    }
  }

  @Test
  void hostServicesFollowTheDefaultAction() throws Exception {
    try (RawNetwork.Record service = RawNetwork.serve(host.namespace(), HOST, OTHER_PORT, state)) {
      toHost("Drop");
      try {
        Await.until(
            "the host is closed to workloads",
            20,
            () -> host.rules().matches("(?s).*chain filter-cali-wl-to-host-action \\{\\s+drop.*"));
        send(Frame.udp(attackerMac, attacker.address(), HOST, OTHER_PORT, "<closed-host>"));
      } finally {
        toHost("Accept");
      }
      Await.until(
          "the host is open to workloads",
          20,
          () -> {
            send(Frame.udp(attackerMac, attacker.address(), HOST, OTHER_PORT, "<open-host>"));
            return service.text().contains("<open-host>");
          });
      assertThat(service.text()).doesNotContain("<closed-host>");
    }
  }

  /** Whatever a workload claims to be, packets for another one go there and not to it. */
  @Test
  void claimsOfOthersAddressesChangeNothing() throws Exception {
    Workload third = host.start("third", Orchestrator.DUAL_STACK, "net", Map.of());
    try (RawNetwork.Record stolen = RawNetwork.record(attacker.sandbox(), state)) {
      send(
          Frame.arpClaim(attackerMac, victim.address()),
          Frame.arpClaim(attackerMac, "169.254.1.1"),
          Frame.arpClaim(attackerMac, HOST),
          Frame.neighbourClaim(attackerMac, victimV6),
          Frame.neighbourClaim(attackerMac, HOST_V6),
          Frame.routerAdvertisement(attackerMac, "fe80::bad"));
      String mac = mac(third);
      RawNetwork.send(
          third.sandbox(),
          List.of(
              Frame.udp(mac, third.address(), victim.address(), OPEN, "<for-the-victim>"),
              Frame.udp(mac, addressV6(third), victimV6, OPEN, "<for-the-victim-six>"),
              Frame.udp(mac, third.address(), attacker.address(), OPEN, "<for-the-attacker>")));
      arrived.await("<for-the-victim>");
      arrived.await("<for-the-victim-six>");
      stolen.await("<for-the-attacker>");
      assertThat(stolen.text()).doesNotContain("<for-the-victim");
      assertThat(host.namespace().ip("-6", "route", "show", "default")).isEmpty();
      assertThat(host.namespace().ip("-6", "address")).doesNotContain("fd00:bad:");
      assertThat(third.sandbox().ip("-6", "address")).doesNotContain("fd00:bad:");
    } finally {
      host.delete(third);
    }
  }

  /** The next owner of an address receives nothing of the connections of the one before it. */
  @ParameterizedTest
  @EnumSource(Leaving.class)
  void connectionsEndWithTheirEndpoint(Leaving leaving) throws Exception {
    String address = "10.65.200.9";
    Namespace first = Namespace.create("first-owner");
    add(first, address);
    byte[] frame = Frame.udp(attackerMac, attacker.address(), address, OPEN, "<old-connection>");
    try (RawNetwork.Record served = RawNetwork.serve(first, address, OPEN, state)) {
      Await.until(
          "the connection is known in both directions",
          20,
          () -> {
            send(frame);
            return served.text().contains("<old-connection>")
                && conntrack(address).contains("[ASSURED]");
          });
    }
    leaving.leave(this, first);
    first.delete();
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: a-locked}
        spec: {order: 1, selector: owner == 'second', types: [Ingress], ingress: [{action: Deny}]}
        """);
    Namespace second = Namespace.create("second-owner");
    add(second, address);
    try (RawNetwork.Record received = RawNetwork.record(second, state)) {
      send(frame);
      Await.until(
          "the second owner can be seen to receive",
          20,
          () -> {
            PacketProbe.ping(second, victim.address());
            host.namespace().command("busybox", "ping", "-c", "1", "-W", "1", address).run();
            host.namespace()
                .command("bash", "-c", "echo '<from-the-host>' > /dev/udp/" + address + "/1")
                .run();
            return received.text().contains("<from-the-host>");
          });
      assertThat(received.text()).doesNotContain("<old-connection>");
    } finally {
      var unused = host.calicoctl("", "delete", "globalnetworkpolicy", "a-locked");
      assertThat(host.cni("DEL", second, Map.of(), configuration()).exitCode()).isZero();
      second.delete();
    }
  }

  /** How the first owner goes. */
  enum Leaving {
    BY_DEL {
      @Override
      void leave(SecurityIT test, Namespace sandbox) throws IOException {
        assertThat(test.host.cni("DEL", sandbox, Map.of(), test.configuration()).exitCode())
            .isZero();
        assertThat(test.conntrack("10.65.200.9")).isEmpty();
      }
    },
    BY_CALICOCTL {
      @Override
      void leave(SecurityIT test, Namespace sandbox) throws IOException {
        Command.Outcome deleted =
            test.host.calicoctl("", "delete", "wep", test.endpointOf(sandbox));
        assertThat(deleted.exitCode()).as(deleted.output()).isZero();
        Await.until("its entries are gone", 20, () -> test.conntrack("10.65.200.9").isEmpty());
        assertThat(test.host.cni("DEL", sandbox, Map.of(), test.configuration()).exitCode())
            .isZero();
      }
    },

    WHILE_NO_AGENT_RUNS {
      @Override
      void leave(SecurityIT test, Namespace sandbox) throws IOException {
        test.host.killAgent();
        sandbox.ip("link", "del", "eth0");
        String name = test.endpointOf(sandbox);
        assertThat(test.host.calicoctl("", "delete", "wep", name).exitCode()).isZero();
        Command.Outcome released = test.host.calicoctl("", "ipam", "release", "--ip=10.65.200.9");
        assertThat(released.exitCode()).as(released.output()).isZero();
        assertThat(test.conntrack("10.65.200.9")).isNotEmpty();
        test.host.startAgent();
        assertThat(test.conntrack("10.65.200.9")).isEmpty();
      }
    };

    abstract void leave(SecurityIT test, Namespace sandbox) throws IOException;
  }

  private String endpointOf(Namespace sandbox) throws IOException {
    String escaped = sandbox.name().replace("-", "--");
    return host.calicoctl("", "get", "wep", "-o", "json")
        .standardOutput()
        .replaceAll("(?s).*\"name\": *\"([^\"]*" + escaped + "[^\"]*)\".*", "$1");
  }

  private String configuration() {
    return "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\",\"ipam\":{\"type\":"
        + "\"calico-ipam\"},\"args\":{\"cni\":{\"labels\":[{\"key\":\"owner\",\"value\":\"OWNER\"}]}}}";
  }

  private void add(Namespace sandbox, String address) throws IOException {
    Command.Outcome added =
        host.cni(
            "ADD",
            sandbox,
            Map.of("CNI_ARGS", "IP=" + address),
            configuration().replace("OWNER", sandbox.name().replace("-owner", "")));
    assertThat(added.exitCode()).as(added.output()).isZero();
  }

  /** Returns the entries of an address, as conntrack(8) prints them. */
  private String conntrack(String address) throws IOException {
    String entries =
        host.namespace().command("conntrack", "-L", "-p", "udp").run().standardOutput();
    return entries
        .lines()
        .filter(line -> line.contains("=" + address + " "))
        .reduce("", (a, b) -> a + b + "\n");
  }
}
