package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Pools with encapsulation. Two hosts share a segment, the third is behind a router that knows no
 * route to the pool: packets get there in a tunnel or not at all. BGP's mesh runs besides.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OverlayIT {
  private static final String DEVICE = "vxlan.calico";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost near;
  private TestHost beside;
  private TestHost far;
  private Workload here;
  private Workload neighbour;
  private Workload there;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    var unused = testbed.addRouter();
    near = testbed.addHost("near", 11, "64512");
    beside = testbed.addHost("beside", 12, "64512");
    far = testbed.addFarHost("far", 13, "64512");
    for (TestHost host : testbed.hosts()) {
      host.startAgent();
    }
    here = near.start("here", Orchestrator.RKT, "net", Map.of());
    neighbour = beside.start("neighbour", Orchestrator.RKT, "net", Map.of());
    there = far.start("there", Orchestrator.RKT, "net", Map.of());
    pool("Never", "Never");
    Await.until("BGP connects the segment", 30, () -> pings(here, neighbour));
    assertThat(pings(here, there)).as("the router knows no way").isFalse();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  @BeforeEach
  void carryEverything() throws Exception {
    pool("Never", "Always");
    Await.until("VXLAN connects all hosts", 30, () -> connects(here, neighbour, there));
  }

  private static boolean pings(Workload from, Workload to) throws IOException {
    return PacketProbe.ping(from.sandbox(), to.address());
  }

  private static boolean connects(Workload... workloads) throws IOException {
    for (Workload from : workloads) {
      for (Workload to : workloads) {
        if (!from.equals(to) && !pings(from, to)) {
          return false;
        }
      }
    }
    return true;
  }

  private void apply(String yaml) throws IOException {
    Command.Outcome applied = near.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private void pool(String ipip, String vxlan) throws IOException {
    String name =
        near.calicoctl("", "get", "ippools")
            .standardOutput()
            .lines()
            .filter(line -> line.contains(Testbed.POOL))
            .map(line -> line.substring(0, line.indexOf(' ')))
            .findFirst()
            .orElseThrow();
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: %s}
        spec: {cidr: %s, ipipMode: %s, vxlanMode: %s, natOutgoing: false}
        """
            .formatted(name, Testbed.POOL, ipip, vxlan));
  }

  /** Returns how the kernel of a host would send a packet to a workload. */
  private static String way(TestHost host, Workload to) throws IOException {
    return host.namespace().ip("route", "get", to.address());
  }

  @Test
  void withinASubnetNothingIsWrapped() throws Exception {
    assertThat(way(near, neighbour)).contains("dev " + DEVICE);
    assertThat(way(near, there)).contains("dev " + DEVICE);
    pool("Never", "CrossSubnet");
    Await.until(
        "the segment is used", 15, () -> way(near, neighbour).contains("via 192.0.2.12 dev eth0"));
    assertThat(way(near, there)).contains("dev " + DEVICE);
    assertThat(way(far, neighbour)).contains("dev " + DEVICE);
    Await.until("all are connected", 15, () -> connects(here, neighbour, there));
  }

  @Test
  void theHostItselfReachesWorkloadsOfOthersWithItsTunnelsAddress() throws Exception {
    assertThat(PacketProbe.ping(near.namespace(), there.address()))
        .as("the network's profile knows its members only")
        .isFalse();
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: from-tunnels}
        spec:
          selector: all()
          types: [Ingress]
          ingress: [{action: Allow, source: {nets: ["%s/32"]}}, {action: Pass}]
        """
            .formatted(vtep("near")));
    Await.until(
        "the tunnel's address is let in",
        15,
        () -> PacketProbe.ping(near.namespace(), there.address()));
    assertThat(PacketProbe.pingFrom(near.namespace(), near.address(), there.address()))
        .as("an address that the other host would answer by another way is translated")
        .isTrue();
    assertThat(near.calicoctl("", "delete", "globalnetworkpolicy", "from-tunnels").exitCode())
        .isZero();
    Await.until("as before", 15, () -> !PacketProbe.ping(near.namespace(), there.address()));
  }

  @Test
  void theMtuLeavesRoomForTheHeader() throws Exception {
    assertThat(near.namespace().ip("link", "show", DEVICE)).contains("mtu 1450");
    felix("{vxlanMTU: 1400, vxlanVNI: 4097}");
    for (TestHost host : List.of(near, beside, far)) {
      Await.until(
          "the parameters are in force",
          15,
          () -> {
            String device = host.namespace().ip("-d", "link", "show", DEVICE);
            return device.contains("mtu 1400") && device.contains("vxlan id 4097");
          });
    }
    Await.until("all are connected", 15, () -> connects(here, neighbour, there));
    felix("{vxlanEnabled: false}");
    Await.until("no device", 15, () -> !hasDevice(near));
    felix("{}");
    Await.until("all are connected", 15, () -> connects(here, neighbour, there));
  }

  private void felix(String spec) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default}
        spec: %s
        """
            .formatted(spec));
  }

  private static boolean hasDevice(TestHost host) throws IOException {
    return host.namespace().ip("link").contains(DEVICE);
  }

  /** What another program may do to the tunnel of a host. */
  enum Interference {
    ROUTE("ip", "route", "del", "BLOCK"),
    ROUTE_ELSEWHERE("ip", "route", "replace", "BLOCK", "via", "192.0.2.1", "proto", "80"),
    STRAY_ROUTE("ip", "route", "add", "10.65.200.0/26", "dev", DEVICE, "scope", "link"),
    FORWARDING("bridge", "fdb", "del", "MAC", "dst", "198.51.100.13", "dev", DEVICE, "self"),
    NEIGHBOUR("ip", "neigh", "del", "VTEP", "dev", DEVICE),
    DOWN("ip", "link", "set", DEVICE, "down"),
    MTU("ip", "link", "set", DEVICE, "mtu", "1300"),
    ADDRESS("ip", "address", "flush", "dev", DEVICE),
    DEVICE_GONE("ip", "link", "del", DEVICE),
    DEVICE_OTHER(
        "sh",
        "-c",
        "ip link del vxlan.calico && ip link add vxlan.calico type vxlan id 9 dstport 9 dev eth0");

    private final List<String> command;

    Interference(String... command) {
      this.command = List.of(command);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatAnotherProgramChangesIsPutBack(Interference interference) throws Exception {
    String before = tunnel();
    String vtep = vtep("far");
    String block = routeTo(there);
    List<String> command = new ArrayList<>();
    for (String word : interference.command) {
      command.add(
          switch (word) {
            case "BLOCK" -> block;
            case "VTEP" -> vtep;
            case "MAC" -> mac(vtep);
            default -> word;
          });
    }
    var unused = near.namespace().command(command.toArray(String[]::new)).mustRun();
    Await.until("it is as it was", 10, () -> tunnel().equals(before));
    assertThat(pings(here, there)).isTrue();
  }

  /** Returns what near has of the tunnel, without what changes by itself. */
  private String tunnel() throws IOException {
    String all = "";
    for (String[] command :
        new String[][] {
          {"ip", "-d", "link", "show", DEVICE},
          {"ip", "-4", "address", "show", "dev", DEVICE},
          {"ip", "route", "show", "proto", "80"},
          {"ip", "route", "show", "dev", DEVICE},
          {"ip", "neigh", "show", "dev", DEVICE, "nud", "permanent"},
          {"bridge", "fdb", "show", "dev", DEVICE}
        }) {
      Command.Outcome outcome = near.namespace().command(command).run();
      all += outcome.standardOutput().lines().sorted().toList() + "\n";
    }
    return all.replaceAll("\\d+: " + DEVICE, DEVICE);
  }

  /** Returns the address of a host's end of the tunnel. */
  private String vtep(String host) throws IOException {
    return node(host).getAsJsonObject("spec").get("ipv4VXLANTunnelAddr").getAsString();
  }

  private JsonObject node(String host) throws IOException {
    String node = near.calicoctl("", "get", "node", host, "-o", "json").standardOutput();
    return JsonParser.parseString(node).getAsJsonObject();
  }

  private String routeTo(Workload workload) throws IOException {
    String block = workload.address().replaceAll("\\d+$", "");
    return near.namespace()
        .ip("route", "show", "dev", DEVICE)
        .lines()
        .filter(line -> line.startsWith(block))
        .map(line -> line.substring(0, line.indexOf(' ')))
        .findFirst()
        .orElseThrow();
  }

  private String mac(String vtep) throws IOException {
    String neighbours = near.namespace().ip("neigh", "show", vtep, "dev", DEVICE);
    return neighbours.replaceAll("(?s).*lladdr ([0-9a-f:]+).*", "$1");
  }

  @Test
  void onlyTheClustersNodesSpeakIntoTheTunnel() throws Exception {
    String address = near.address();
    Namespace stranger = Namespace.create("stranger");
    try {
      stranger.connect("eth0", testbed.fabric(), "stranger");
      var unused = testbed.fabric().ip("link", "set", "stranger", "master", "br0");
      unused = stranger.ip("address", "add", "192.0.2.99/24", "dev", "eth0");
      long before = received();
      send(stranger, address);
      send(beside.namespace(), address);
      Await.until("the node's frame is there", 10, () -> received() > before);
      assertThat(received()).as("the stranger's is not").isEqualTo(before + 1);
    } finally {
      stranger.delete();
    }
  }

  /** Returns how many frames the tunnel of near has received. */
  private long received() throws IOException {
    String devices = near.namespace().command("cat", "/proc/net/dev").mustRun();
    return Long.parseLong(devices.replaceAll("(?s).*" + DEVICE + ": +\\d+ +(\\d+) .*", "$1"));
  }

  /** Sends a frame of VNI 4096 that is for nobody, in a packet for the tunnel of a host. */
  private static void send(Namespace from, String address) throws IOException {
    String frame =
        "\\x08\\0\\0\\0\\0\\x10\\0\\0"
            + "\\xff\\xff\\xff\\xff\\xff\\xff"
            + "\\x02\\0\\0\\0\\0\\x09\\x88\\xb5"
            + "x".repeat(46);
    var unused =
        from.command("bash", "-c", "printf '" + frame + "' > /dev/udp/" + address + "/4789")
            .mustRun();
  }

  @Test
  void aRestartLeavesTheTunnelAlone() throws Exception {
    String index = near.namespace().ip("-o", "link", "show", DEVICE).replaceAll("(?s):.*", "");
    Process pings =
        new ProcessBuilder(
                here.sandbox()
                    .enter(
                        List.of(
                            "busybox", "ping", "-A", "-W", "2", "-c", "20000", there.address())))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("pings").toFile())
            .start();
    near.killAgent();
    // The kernel tells of changes before the agent knows what ought to be there.
    String loop =
        "while :; do ip route add 203.0.113.0/24 dev eth0; ip route del 203.0.113.0/24; done";
    Process changes =
        new ProcessBuilder(near.namespace().enter(List.of("sh", "-c", loop)))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    near.startAgent();
    changes.destroy();
    assertThat(near.namespace().ip("-o", "link", "show", DEVICE)).startsWith(index + ":");
    pings.toHandle().destroy();
    Await.until("ping has ended", 10, () -> !pings.isAlive());
    assertThat(pings(here, there)).isTrue();
    String sequence =
        Files.readString(state.resolve("pings"))
            .replaceAll("(?m)^(?!.*seq=).*$", "")
            .replaceAll("(?m)^.*seq=(\\d+).*$", "$1");
    List<Integer> answered =
        sequence.lines().filter(line -> !line.isBlank()).map(Integer::valueOf).toList();
    assertThat(answered).hasSizeGreaterThan(10);
    assertThat(answered.get(answered.size() - 1))
        .as("no answer is missing")
        .isEqualTo(answered.get(0) + answered.size() - 1);
  }

  @Test
  void aNodeThatLeavesTakesItsEndAlong() throws Exception {
    TestHost guest = testbed.addHost("guest", 19, "64512");
    guest.startAgent();
    Workload visitor = guest.start("visitor", Orchestrator.RKT, "net", Map.of());
    Await.until("it is connected", 30, () -> connects(here, visitor));
    assertThat(tunnel()).contains("192.0.2.19");
    guest.delete(visitor);
    guest.killAgent();
    assertThat(near.calicoctl("", "delete", "node", "guest").exitCode()).isZero();
    Await.until("its end is gone", 15, () -> !tunnel().contains("192.0.2.19"));
    guest.close();
  }

  @Test
  void withoutSuchAPoolNothingOfTheTunnelIsLeft() throws Exception {
    String ends = "/calico/ipam/v2/handle/vxlan-tunnel-addr-";
    assertThat(etcd.keys(ends)).hasSizeGreaterThanOrEqualTo(3);
    pool("Never", "Never");
    for (TestHost host : List.of(near, beside, far)) {
      Await.until("no device", 15, () -> !hasDevice(host));
      Await.until(
          "no route of Felix",
          15,
          () -> host.namespace().ip("route", "show", "proto", "80").isBlank());
    }
    for (String host : List.of("near", "beside", "far")) {
      Await.until("no address", 15, () -> etcd.keys(ends + host).isEmpty());
    }
    Await.until("BGP connects the segment", 30, () -> pings(here, neighbour));
    assertThat(pings(here, there)).isFalse();
  }

  @Test
  void aKernelWithoutIpInIpSaysSoAndTheSubnetIsReached() throws Exception {
    pool("CrossSubnet", "Never");
    Await.until(
        "readiness says it",
        15,
        () ->
            near.command("curl", "-s", "-m", "10", "http://localhost:9099/readiness")
                .run()
                .output()
                .contains("this kernel has no IP in IP"));
    Await.until("the segment needs none", 15, () -> pings(here, neighbour));
    assertThat(pings(here, there)).isFalse();
    pool("Never", "Always");
    Await.until("ready again", 15, () -> near.isReady());
  }

  @Test
  void ipv6IsCarriedToo() throws Exception {
    int number = 10;
    for (TestHost host : List.of(near, beside)) {
      number++;
      String address = "2001:db8::" + number + "/64";
      var unused = host.namespace().ip("address", "add", address, "dev", "eth0", "nodad");
      JsonObject node = node(host.name());
      node.getAsJsonObject("spec").getAsJsonObject("bgp").addProperty("ipv6Address", address);
      apply(node.toString());
    }
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64", vxlanMode: Always, natOutgoing: false}
        """);
    Workload one = near.start("one", Orchestrator.DUAL_STACK, "net", Map.of());
    Workload two = beside.start("two", Orchestrator.DUAL_STACK, "net", Map.of());
    String address =
        two.sandbox()
            .ip("-6", "-o", "address", "show", "scope", "global")
            .replaceAll("(?s).*inet6 ([0-9a-f:]+)/.*", "$1");
    Await.until("IPv6 is carried", 30, () -> PacketProbe.ping(one.sandbox(), address));
    assertThat(near.namespace().ip("-6", "route", "get", address)).contains("vxlan-v6.calico");
    near.delete(one);
    beside.delete(two);
    assertThat(near.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    Await.until("the device is gone", 15, () -> !near.namespace().ip("link").contains("vxlan-v6"));
  }
}
