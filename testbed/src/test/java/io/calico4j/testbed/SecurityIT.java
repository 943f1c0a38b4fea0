package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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

  /** The first of services that no connection has been made to: one for each test of one. */
  private static final int OTHER_PORTS = 6100;

  static final String HOST = "192.0.2.11";
  static final String HOST_LOOPBACK = "10.255.0.1";
  static final String HOST_V6 = "fd00:92::11";
  static final String HOST_LOOPBACK_V6 = "fd00:255::1";
  static final String MAPPED_LOOPBACK = "::ffff:127.0.0.1";

  /** The kernel takes a packet to any address of this network where it stands on lo. */
  private static final String NETWORK_ON_LO = "10.255.2.1/24";

  static final String IN_NETWORK_ON_LO = "10.255.2.77";
  private static final String NODE_ON_LO = "10.255.1.1";

  private static final String POOL_V6 =
      """
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata: {name: six}
      spec: {cidr: "fd00:65::/64"}
      """;

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost host;
  private AddressOwners owners;
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
    owners = new AddressOwners(host);
    host.namespace().ip("address", "add", HOST_LOOPBACK + "/32", "dev", "lo");
    host.namespace().ip("address", "add", HOST_LOOPBACK_V6 + "/128", "dev", "lo");
    host.namespace().ip("address", "add", NETWORK_ON_LO, "dev", "lo");
    host.namespace().ip("address", "add", HOST_V6 + "/64", "dev", "eth0", "nodad");
    // Only so would the kernel take a packet to such an address, and it is not one of lo.
    host.namespace().ip("address", "add", MAPPED_LOOPBACK + "/128", "dev", "eth0", "nodad");
    // As on a host where another program wants it: nothing may rely on its being off.
    host.namespace().command("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1").mustRun();
    host.startAgent();
    apply(
        POOL_V6
            + """
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
    toHost(host, "Accept");
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
    apply(host, resources);
  }

  private static void apply(TestHost host, String resources) throws IOException {
    Command.Outcome applied = host.calicoctl(resources, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  /** Sets what becomes of packets from workloads to their host, and waits until it is in force. */
  private static void toHost(TestHost host, String action) throws IOException {
    apply(
        host,
        "{apiVersion: projectcalico.org/v3, kind: FelixConfiguration, metadata: {name: node."
            + host.name()
            + "}, spec: {defaultEndpointToHostAction: "
            + action
            + "}}");
    String rule = action.toLowerCase(Locale.ROOT);
    Await.until(
        action + " is what workloads meet at their host",
        20,
        () ->
            host.rules()
                .matches("(?s).*chain filter-cali-wl-to-host-action \\{\\s+" + rule + "\\s.*"));
  }

  private static String mac(Workload workload) throws IOException {
    return mac(workload.sandbox());
  }

  private static String mac(Namespace sandbox) throws IOException {
    return sandbox.command("cat", "/sys/class/net/eth0/address").mustRun().strip();
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
    // Kernels from 5.5 on drop these by themselves, and Felix does not rely on that.
    SOURCE_MAPPED_LOOPBACK((t, m) -> t.udp(MAPPED_LOOPBACK, t.victimV6, OPEN, m)),
    SOURCE_MAPPED_WORKLOAD((t, m) -> t.udp("::ffff:" + t.attacker.address(), t.victimV6, OPEN, m)),
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
      return SecurityIT.text("", this);
    }
  }

  /** Returns a text that is a row's own. */
  private static String text(String prefix, Enum<?> row) {
    return "<" + prefix + row.name().toLowerCase(Locale.ROOT).replace('_', '-') + ">";
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
      String text = text("", address);
      byte[] frame = Frame.udp(attackerMac, own, address.to, HOST_PORT, text);
      if (address.reachable) {
        send(frame);
        service.await(text);
        return;
      }
      if (address == HostAddress.MAPPED_LOOPBACK || address == HostAddress.LOOPBACK) {
        try (PlainLink link = new PlainLink()) {
          link.set("net.ipv4.conf.all.route_localnet=1");
          link.addAddress(MAPPED_LOOPBACK);
          link.provesDatagram(frame, address.listen, HOST_PORT, text, state);
        }
      }
      send(
          frame,
          Frame.udp(attackerMac, v6 ? "::1" : "127.0.0.1", address.to, HOST_PORT, text),
          Frame.udp(attackerMac, v6 ? MAPPED_LOOPBACK : HOST, address.to, HOST_PORT, text));
      servesTheHost(host, service, address.listen, HOST_PORT);
      assertThat(service.text()).doesNotContain(text);
    }
  }

  /** The host itself is served: the service is there, and has had the time. */
  private static void servesTheHost(
      TestHost host, RawNetwork.Record service, String listen, int port) throws IOException {
    String to = listen.equals("::") ? "::1" : listen;
    host.namespace().command("bash", "-c", "echo '<own>' > /dev/udp/" + to + "/" + port).mustRun();
    service.await("<own>");
  }

  /** What a workload meets at its host; Return is what calico-node writes for its own node. */
  enum ToHost {
    DROP("Drop", false),
    ACCEPT("Accept", true),
    RETURN("Return", true);

    private final String action;
    private final boolean open;

    ToHost(String action, boolean open) {
      this.action = action;
      this.open = open;
    }
  }

  /** The action decides about the addresses that others know; lo is closed under each. */
  @ParameterizedTest
  @EnumSource(ToHost.class)
  void hostServicesFollowTheDefaultActionAndLoopbackDoesNot(ToHost row) throws Exception {
    Map<HostAddress, RawNetwork.Record> services = new EnumMap<>(HostAddress.class);
    toHost(host, row.action);
    try {
      for (HostAddress address : HostAddress.values()) {
        int port = OTHER_PORTS + 20 * row.ordinal() + address.ordinal();
        services.put(address, RawNetwork.serve(host.namespace(), address.listen, port, state));
        String own = address.to.contains(":") ? attackerV6 : attacker.address();
        send(Frame.udp(attackerMac, own, address.to, port, text("", address)));
      }
      String after = text("to-host-", row);
      send(Frame.udp(attackerMac, attacker.address(), victim.address(), OPEN, after));
      arrived.await(after);
      for (HostAddress address : HostAddress.values()) {
        int port = OTHER_PORTS + 20 * row.ordinal() + address.ordinal();
        RawNetwork.Record service = services.get(address);
        if (address.reachable && row.open) {
          service.await(text("", address));
        } else {
          servesTheHost(host, service, address.listen, port);
          assertThat(service.text()).doesNotContain(text("", address));
        }
      }
    } finally {
      services.values().forEach(RawNetwork.Record::close);
      toHost(host, "Accept");
    }
  }

  /** A routed host has its node address on lo: policy and the action decide about that one. */
  @Test
  void aNodeAddressOnLoIsReachedAndNothingElseOnLo() throws Exception {
    TestHost routed = testbed.addHost("routed", 12, "64512");
    for (String address : List.of(NODE_ON_LO + "/32", NETWORK_ON_LO, "10.255.1.2/32")) {
      routed.namespace().ip("address", "add", address, "dev", "lo");
    }
    routed.namespace().ip("address", "add", HOST_LOOPBACK_V6 + "/128", "dev", "lo");
    routed.set("IP", NODE_ON_LO + "/32");
    routed.startAgent();
    apply(
        routed,
        POOL_V6
            + """
            ---
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: out}
            spec: {types: [Egress], egress: [{action: Allow, protocol: UDP, destination: {ports: [6001, 6100]}}]}
            """);
    Workload guest = routed.start("guest", Orchestrator.DUAL_STACK, "net", Map.of());
    String mac = mac(guest);
    List<String> others = List.of("10.255.1.2", "10.255.2.1", IN_NETWORK_ON_LO, HOST_LOOPBACK_V6);
    List<RawNetwork.Record> closed = new ArrayList<>();
    try (RawNetwork.Record open =
            RawNetwork.serve(routed.namespace(), NODE_ON_LO, HOST_PORT, state);
        RawNetwork.Record denied = RawNetwork.serve(routed.namespace(), NODE_ON_LO, CLOSED, state);
        RawNetwork.Record later =
            RawNetwork.serve(routed.namespace(), NODE_ON_LO, OTHER_PORTS, state)) {
      for (String other : others) {
        closed.add(RawNetwork.serve(routed.namespace(), other, HOST_PORT, state));
        String own = other.contains(":") ? addressV6(guest) : guest.address();
        RawNetwork.send(
            guest.sandbox(), List.of(Frame.udp(mac, own, other, HOST_PORT, "<other-of-lo>")));
      }
      toHost(routed, "Drop");
      byte[] toLater = Frame.udp(mac, guest.address(), NODE_ON_LO, OTHER_PORTS, "<later>");
      RawNetwork.send(guest.sandbox(), List.of(toLater));
      servesTheHost(routed, later, NODE_ON_LO, OTHER_PORTS);
      assertThat(later.text()).doesNotContain("<later>");
      toHost(routed, "Return");
      RawNetwork.send(
          guest.sandbox(),
          List.of(
              Frame.udp(mac, guest.address(), NODE_ON_LO, CLOSED, "<denied>"),
              Frame.udp(mac, guest.address(), NODE_ON_LO, HOST_PORT, "<node-on-lo>"),
              toLater));
      open.await("<node-on-lo>");
      later.await("<later>");
      servesTheHost(routed, denied, NODE_ON_LO, CLOSED);
      assertThat(denied.text()).doesNotContain("<denied>");
      for (int i = 0; i < others.size(); i++) {
        servesTheHost(routed, closed.get(i), others.get(i), HOST_PORT);
        assertThat(closed.get(i).text()).as(others.get(i)).doesNotContain("<other-of-lo>");
      }
    } finally {
      closed.forEach(RawNetwork.Record::close);
    }
  }

  /** Whatever a workload claims to be, packets for another one go there and not to it. */
  @Test
  void claimsOfOthersAddressesChangeNothing() throws Exception {
    Workload third = host.start("third", Orchestrator.DUAL_STACK, "net", Map.of());
    try (RawNetwork.Record stolen = RawNetwork.record(attacker.sandbox(), state)) {
      Map<String, byte[]> claims = new LinkedHashMap<>();
      for (String claimed : List.of(victim.address(), "169.254.1.1", HOST)) {
        claims.put(claimed, Frame.arpClaim(attackerMac, claimed));
      }
      for (String claimed : List.of(victimV6, HOST_V6)) {
        claims.put(claimed, Frame.neighbourClaim(attackerMac, claimed));
      }
      byte[] advertisement = Frame.routerAdvertisement(attackerMac, "fe80::bad");
      // Each of them does what it is made to do, where Calico does not stand in its way.
      try (PlainLink link = new PlainLink()) {
        for (Map.Entry<String, byte[]> claim : claims.entrySet()) {
          link.provesClaim(claim.getValue(), claim.getKey(), attackerMac);
        }
        link.provesAdvertisement(advertisement, "fe80::bad", "fd00:bad:");
      }
      for (byte[] claim : claims.values()) {
        send(claim);
      }
      send(
          advertisement,
          Frame.udp(attackerMac, attacker.address(), victim.address(), OPEN, "<after-claims>"));
      arrived.await("<after-claims>");
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
  @EnumSource(AddressOwners.Leaving.class)
  void connectionsEndWithTheirEndpoint(AddressOwners.Leaving leaving) throws Exception {
    Namespace first = owners.first();
    byte[] frame =
        Frame.udp(attackerMac, attacker.address(), AddressOwners.ADDRESS, OPEN, "<old-connection>");
    try (RawNetwork.Record served = RawNetwork.serve(first, AddressOwners.ADDRESS, OPEN, state)) {
      Await.until(
          "the connection is known in both directions",
          20,
          () -> {
            send(frame);
            return served.text().contains("<old-connection>")
                && owners.conntrack().contains("[ASSURED]");
          });
    }
    leaving.leave(owners, first);
    first.delete();
    Namespace second = owners.second();
    try (RawNetwork.Record received = RawNetwork.record(second, state)) {
      send(frame);
      owners.awaitReceipt(second, victim.address(), received);
      assertThat(received.text()).doesNotContain("<old-connection>");
    } finally {
      owners.deleteSecond(second);
    }
  }

  /**
   * The same for TCP, where the other end goes on sending in the meantime. The next owner neither
   * receives anything of the connection nor puts anything into it, with the right numbers even.
   */
  @ParameterizedTest
  @EnumSource(AddressOwners.Leaving.class)
  void connectionsOfTcpEndWithTheirEndpoint(AddressOwners.Leaving leaving) throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: a-served}
        spec: {order: 1, selector: owner == 'first', types: [Ingress], ingress: [{action: Allow, protocol: TCP}]}
        """);
    Namespace first = owners.first();
    try (TcpFlow flow = new TcpFlow(first, AddressOwners.ADDRESS, OPEN, victim, state)) {
      flow.provesForgery(first, mac(first));
      assertThat(owners.conntrack()).contains("tcp ").contains("[ASSURED]");
      leaving.leave(owners, first);
      first.delete();
      byte[] fromClient = flow.fromClient(mac(victim), "<in-the-old-flow>");
      RawNetwork.send(victim.sandbox(), List.of(fromClient));
      Namespace second = owners.second();
      try (RawNetwork.Record received = RawNetwork.record(second, state)) {
        String mac = mac(second);
        String bad = text("injected-", leaving);
        String good = text("after-injected-", leaving);
        byte[] injected = flow.fromServer(mac, bad);
        RawNetwork.send(second, List.of(injected));
        RawNetwork.send(victim.sandbox(), List.of(fromClient));
        RawNetwork.send(
            second,
            List.of(injected, Frame.udp(mac, AddressOwners.ADDRESS, victim.address(), OPEN, good)));
        arrived.await(good);
        owners.awaitReceipt(second, victim.address(), received);
        assertThat(arrived.text()).doesNotContain(bad);
        assertThat(flow.readByClient()).doesNotContain(bad);
        assertThat(received.text())
            .doesNotContain(TcpFlow.TICK)
            .doesNotContain("<in-the-old-flow>");
      } finally {
        owners.deleteSecond(second);
      }
    } finally {
      var unused = host.calicoctl("", "delete", "globalnetworkpolicy", "a-served");
    }
  }
}
