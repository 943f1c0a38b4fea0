package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** One host with an etcd of its own, the installed programs, packets that flow or do not. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OneHostIT {
  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("host-a", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private String etcdctl(String... arguments) throws IOException {
    return host.etcdctl(arguments);
  }

  private void assertNothingLeft() throws Exception {
    host.mustBeClean();
    for (String prefix :
        new String[] {
          "/calico/ipam/v2/handle/", "/calico/resources/v3/projectcalico.org/workloadendpoints/"
        }) {
      assertThat(etcdctl("get", "--prefix", "--keys-only", prefix).strip()).isEmpty();
    }
    assertThat(etcdctl("get", "--prefix", "--print-value-only", "/calico/ipam/v2/assignment/"))
        .doesNotContain("handle_id");
  }

  @Test
  void podsAndTasksReachTheirNetworkOnlyUntilAPolicySaysOtherwise() throws Exception {
    Workload rkt1 = host.start("rkt-1", Orchestrator.RKT, "calico", Map.of());
    Workload rkt2 = host.start("rkt-2", Orchestrator.RKT, "calico", Map.of());
    Workload task1 = host.start("task-1", Orchestrator.MESOS, "net", Map.of("app", "ledger"));
    Workload task2 = host.start("task-2", Orchestrator.MESOS, "net", Map.of("app", "web"));

    assertThat(pings(rkt1, rkt2)).isTrue();
    assertThat(pings(task1, task2)).isTrue();
    assertThat(pings(rkt1, task1)).isFalse();
    assertThat(pings(task1, rkt1)).isFalse();

    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: ledger}
            spec:
              selector: app == 'ledger'
              types: [Ingress]
              ingress:
              - {action: Allow, source: {selector: has(calico)}}
            """,
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    Await.until("the policy lets rkt pods reach the ledger", 15, () -> pings(rkt1, task1));
    assertThat(pings(task2, task1)).isFalse();
    assertThat(pings(rkt1, task2)).isFalse();

    host.killAgent();
    assertThat(pings(rkt1, task1)).isTrue();
    assertThat(pings(task2, task1)).isFalse();
    host.startAgent();
    assertThat(pings(rkt1, task1)).isTrue();
    assertThat(pings(task2, task1)).isFalse();
    Command.Outcome again = host.call("ADD", rkt1);
    assertThat(TestHost.address(again.standardOutput())).isEqualTo(rkt1.address());

    host.delete(rkt1);
    assertThat(host.call("DEL", rkt1).exitCode()).isZero();
    host.delete(rkt2);
    host.delete(task1);
    host.delete(task2);
    assertThat(host.calicoctl("", "delete", "gnp", "ledger").exitCode()).isZero();
    assertNothingLeft();
  }

  private static boolean pings(Workload from, Workload to) throws IOException {
    return PacketProbe.ping(from.sandbox(), to.address());
  }

  private void apply(String yaml) throws IOException {
    Command.Outcome applied = host.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private String ipv6(Workload workload) throws IOException {
    JsonArray ips =
        JsonParser.parseString(host.call("ADD", workload).standardOutput())
            .getAsJsonObject()
            .getAsJsonArray("ips");
    assertThat(ips).hasSize(2);
    String cidr = ips.get(1).getAsJsonObject().get("address").getAsString();
    assertThat(cidr).startsWith("fd00:65:").endsWith("/128");
    return cidr.substring(0, cidr.indexOf('/'));
  }

  @Test
  void bothAddressFamiliesReachTheirNetworkOnly() throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64"}
        """);
    Workload a = host.start("dual-a", Orchestrator.DUAL_STACK, "six", Map.of());
    Workload b = host.start("dual-b", Orchestrator.DUAL_STACK, "six", Map.of());
    Workload other = host.start("dual-c", Orchestrator.DUAL_STACK, "other6", Map.of());
    String toB = ipv6(b);

    assertThat(pings(a, b)).isTrue();
    assertThat(PacketProbe.ping(a.sandbox(), toB))
        .as("%s: %s %s", toB, a.sandbox().ip("-6", "route"), host.namespace().ip("-6", "route"))
        .isTrue();
    assertThat(PacketProbe.ping(b.sandbox(), ipv6(a))).isTrue();
    assertThat(pings(other, b)).isFalse();
    assertThat(PacketProbe.ping(other.sandbox(), toB)).isFalse();
    a.sandbox().ip("-6", "address", "add", "fd00:65:ffff::9/128", "dev", "eth0", "nodad");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "fd00:65:ffff::9", toB)).isFalse();

    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertThat(host.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/assignment/ipv6").strip())
        .isEmpty();
    assertNothingLeft();
  }

  @Test
  void anEndpointMayHaveFloatingAddressesAndFurtherSources() throws Exception {
    Workload a = host.start("nat-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("nat-b", Orchestrator.RKT, "calico", Map.of());
    String floating = "10.200.0.7";
    assertThat(PacketProbe.tcp(a.sandbox(), floating)).isFalse();

    change(b, "ipNATs", "[{'internalIP':'" + b.address() + "','externalIP':'" + floating + "'}]");
    Await.until(
        "the floating address leads to b", 15, () -> PacketProbe.tcp(a.sandbox(), floating));
    assertThat(PacketProbe.tcp(b.sandbox(), floating)).as("b reaches itself").isTrue();
    Await.until("the host routes it to b", 15, () -> routes(floating).contains(link(b)));
    change(b, "ipNATs", "[]");
    Await.until("it leads nowhere", 15, () -> !PacketProbe.tcp(a.sandbox(), floating));
    Await.until("its route is gone", 15, () -> routes(floating).isEmpty());

    String source = "10.201.0.9";
    a.sandbox().ip("address", "add", source + "/32", "dev", "eth0");
    host.namespace().ip("route", "add", source, "via", a.address(), "dev", link(a), "onlink");
    change(b, "profiles", "['projectcalico-default-allow']");
    change(a, "profiles", "['projectcalico-default-allow']");
    change(a, "allowSpoofedSourcePrefixes", "['10.201.0.0/24']");
    Await.until(
        "a may send from it", 15, () -> PacketProbe.pingFrom(a.sandbox(), source, b.address()));
    a.sandbox().ip("address", "add", "10.202.0.9/32", "dev", "eth0");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "10.202.0.9", b.address())).isFalse();

    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  private String routes(String address) throws IOException {
    return host.namespace().ip("route", "show", address).strip();
  }

  @Test
  void felixReportsThatItIsAliveAndWhichEndpointsAreUp() throws Exception {
    String felix = "/calico/felix/v2/no-region/host/" + host.name();
    Workload web = host.start("reported", Orchestrator.RKT, "calico", Map.of());
    assertThat(etcdctl("get", "--prefix", "--keys-only", felix).strip()).isEmpty();
    configureFelix("{reportingInterval: 1s, reportingTTL: 5s, endpointReportingEnabled: true}");
    Await.until("it is alive", 15, () -> etcdctl("get", felix + "/status").contains("uptime"));
    assertThat(etcdctl("get", felix + "/last_reported_status")).contains("first_update");
    String endpoint =
        felix
            + "/workload/cni/default%2f"
            + Orchestrator.RKT.containerId("reported")
            + "/endpoint/eth0";
    Await.until("web is up", 15, () -> etcdctl("get", endpoint).contains("{\"status\":\"up\"}"));
    host.delete(web);
    Await.until("its status is gone", 15, () -> etcdctl("get", endpoint).isBlank());
    configureFelix("{reportingInterval: 0s}");
    Await.until(
        "the lease of its life ends", 20, () -> etcdctl("get", felix + "/status").isBlank());
    assertThat(etcdctl("get", felix + "/last_reported_status")).contains("uptime");
    assertNothingLeft();
  }

  private void configureFelix(String spec) throws IOException {
    Command.Outcome applied =
        host.calicoctl(
            "apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\n"
                + "metadata: {name: default}\nspec: "
                + spec
                + "\n",
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private String link(Workload workload) throws IOException {
    return host.namespace()
        .ip("-o", "route", "get", workload.address())
        .replaceAll("(?s)^.* dev (\\S+) .*$", "$1");
  }

  private void change(Workload workload, String field, String value) throws IOException {
    JsonArray endpoints =
        JsonParser.parseString(
                host.calicoctl("", "get", "workloadendpoint", "-o", "json").standardOutput())
            .getAsJsonObject()
            .getAsJsonArray("items");
    for (com.google.gson.JsonElement endpoint : endpoints) {
      com.google.gson.JsonObject spec = endpoint.getAsJsonObject().getAsJsonObject("spec");
      if (spec.get("ipNetworks").toString().contains("\"" + workload.address() + "/32\"")) {
        spec.add(field, JsonParser.parseString(value.replace('\'', '"')));
        apply(endpoint.toString());
        return;
      }
    }
    throw new AssertionError("no endpoint has " + workload.address());
  }

  @Test
  void theMtuLeavesRoomForTheEncapsulationInUse() throws Exception {
    Path file = host.state().resolve("lib/mtu");
    assertThat(Files.readString(file)).isEqualTo("1500");
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: wrapped}
        spec: {cidr: 10.99.0.0/24, vxlanMode: Always, nodeSelector: "!all()"}
        """);
    Await.until("the MTU is 1450", 15, () -> Files.readString(file).equals("1450"));
    Workload a = host.start("mtu-a", Orchestrator.RKT, "calico", Map.of());
    assertThat(a.sandbox().ip("link", "show", "dev", "eth0")).contains("mtu 1450");
    host.delete(a);
    assertThat(host.calicoctl("", "delete", "ippool", "wrapped").exitCode()).isZero();
    Await.until("the MTU is 1500", 15, () -> Files.readString(file).equals("1500"));
    assertNothingLeft();
  }

  @Test
  void aPairHasOneQueueAtEachEnd() throws Exception {
    Workload a = host.start("queue", Orchestrator.RKT, "calico", Map.of());
    String inside = a.sandbox().ip("-d", "link", "show", "dev", "eth0");
    String outside = host.namespace().ip("-d", "link", "show", "type", "veth");
    assertThat(inside).contains("numtxqueues 1 ", "numrxqueues 1 ");
    assertThat(outside.lines().filter(l -> l.contains("numtxqueues 1 numrxqueues 1 "))).hasSize(1);
    host.delete(a);
    assertNothingLeft();
  }

  @Test
  void anUnreadablePolicyClosesWorkloadsAndAForgedSourceIsDropped() throws Exception {
    Workload a = host.start("a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("b", Orchestrator.RKT, "calico", Map.of());
    assertThat(pings(a, b)).isTrue();

    a.sandbox().ip("address", "add", "10.65.99.99/32", "dev", "eth0");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "10.65.99.99", b.address())).isFalse();

    String key = "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/broken";
    assertThat(etcdctl("put", key, "{")).isNotEmpty();
    Await.until("an unreadable policy denies", 15, () -> !pings(a, b));
    assertThat(etcdctl("del", key)).isNotEmpty();
    Await.until("it is gone again", 15, () -> pings(a, b));

    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  @Test
  void theDemoMachinesScriptStartsAndStopsWorkloads() throws Exception {
    Path script = Path.of("../vagrant/provision/workload.sh").toAbsolutePath().normalize();
    String story =
        """
        set -e
        export CALICO_HOME="$1"
        "$0" start web
        address=$("$0" start client | sed -n 's,.*"address":"\\([0-9.]*\\)/32".*,\\1,p')
        "$0" exec web busybox ping -c 1 -W 2 "$address"
        ! "$0" start client
        "$0" stop web
        "$0" stop client
        """;
    String output =
        host.command("sh", "-c", story, script.toString(), Installed.distribution().toString())
            .mustRun();
    assertThat(output).contains("1 packets received");
    assertNothingLeft();
  }

  @Test
  void rulesAndRoutesThatSomebodyRemovesComeBack() throws Exception {
    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: FelixConfiguration
            metadata: {name: default}
            spec: {nftablesRefreshInterval: 1s, routeRefreshInterval: 1s}
            """,
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    Workload a = host.start("drift-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("drift-b", Orchestrator.RKT, "calico", Map.of());
    host.awaitNoUnusedRules();
    List<String> rules = sortedRules();

    host.command("nft", "delete", "table", "inet", "calico").mustRun();
    host.namespace().ip("route", "del", a.address());
    Await.until("the rules are back", 10, () -> sortedRules().equals(rules));
    Await.until("the route is back", 10, () -> host.workloadRoutes().size() == 2);
    assertThat(pings(a, b)).isTrue();

    for (String link : host.workloadLinks()) {
      String name = link.replaceAll("^[0-9]+: ([^@]+)@.*$", "$1");
      host.namespace().ip("link", "set", name, "down");
    }
    Await.until("the interfaces are up again", 10, () -> pings(b, a));
    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  private List<String> sortedRules() throws IOException {
    return host.rules().lines().map(String::strip).sorted().toList();
  }

  @Test
  void endpointsWhoseContainerIsGoneAreTakenBackAndNoOthers() throws Exception {
    Path pods = Files.createDirectories(host.state().resolve("rkt/pods/run"));
    String network = Orchestrator.RKT.configuration("calico", Map.of());
    Map<String, String> rkt = Map.of("CNI_PATH", Orchestrator.RKT_PATH);
    Namespace forgotten = Namespace.create("forgotten");
    String address = attach(forgotten, rkt, network);
    Namespace waiting = Namespace.create("waiting");
    assertThat(attach(waiting, rkt, network)).isNotEmpty();
    Files.createDirectories(pods.resolve("pod-waiting"));
    Namespace nobodys = Namespace.create("nobodys");
    assertThat(attach(nobodys, Map.of(), network)).isNotEmpty();
    Workload alive = host.start("alive", Orchestrator.RKT, "calico", Map.of());
    Namespace task = Namespace.create("task");
    Path root = host.state().resolve("cni");
    Path sandbox = Files.createDirectories(root.resolve("mesos-task")).resolve("ns");
    Files.createSymbolicLink(sandbox, Path.of(task.path()));
    Map<String, String> mesos =
        Map.of("CNI_CONTAINERID", "mesos-task", "CNI_NETNS", sandbox.toString());
    assertThat(attach(task, mesos, Orchestrator.MESOS.configuration("net", Map.of()))).isNotEmpty();

    waiting.delete();
    nobodys.delete();
    task.delete();
    Files.delete(sandbox);
    Files.delete(root.resolve("mesos-task"));
    forgotten.delete();
    Await.until(
        "the endpoints of the forgotten pod and task are taken back",
        20,
        () -> !endpoints().contains("forgotten") && !endpoints().contains("mesos--task"));
    assertThat(endpoints()).contains("waiting", "alive", "nobodys");
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/"))
        .contains("pod-waiting", "pod-alive", "pod-nobodys")
        .doesNotContain("pod-forgotten", "mesos-task");
    assertThat(Files.readString(host.state().resolve("node.log")))
        .contains("eth0 of pod-forgotten in network calico with [" + address + "/32]")
        .contains("rkt has forgotten the container");

    host.delete(alive);
    for (Namespace pod : List.of(forgotten, waiting, nobodys)) {
      assertThat(host.cni("DEL", pod, Map.of(), network).exitCode()).isZero();
    }
    assertNothingLeft();
  }

  @Test
  void aRuntimeOfVersion11AsksAndCollectsGarbage() throws Exception {
    String configuration = "{'cniVersion':'1.1.0','name':'%s','type':'calico'%s}";
    Namespace kept = Namespace.create("kept");
    Namespace stale = Namespace.create("stale");
    Namespace other = Namespace.create("other-net");
    String network = configuration.formatted("modern", "");
    Command.Outcome added = host.cni("ADD", kept, Map.of(), network);
    assertThat(JsonParser.parseString(added.standardOutput()).getAsJsonObject().get("ips"))
        .as(added.output())
        .isEqualTo(
            JsonParser.parseString(
                "[{'address':'%s/32','interface':1}]"
                    .formatted(TestHost.address(added.standardOutput()))));
    assertThat(attach(stale, Map.of(), network)).isNotEmpty();
    String neighbour = configuration.formatted("modern.too", "");
    assertThat(attach(other, Map.of(), neighbour)).isNotEmpty();

    assertAnswer(host.cni("STATUS", kept, NO_CONTAINER, network), 0, "");
    assertAnswer(
        host.cni(
            "STATUS",
            kept,
            NO_CONTAINER,
            configuration.formatted("modern", ",'ipam':{'ipv4_pools':['missing']}")),
        1,
        "\"code\":50");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, network), 1, "\"code\":7");
    assertThat(endpoints()).contains("stale");
    String collect =
        configuration.formatted(
            "modern", ",'cni.dev/valid-attachments':[{'containerID':'pod-kept','ifname':'eth0'}]");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, collect), 0, "");
    assertThat(endpoints()).contains("kept", "other").doesNotContain("stale");
    String checked = ",'prevResult':" + added.standardOutput();
    assertAnswer(
        host.cni("CHECK", kept, Map.of(), configuration.formatted("modern", checked)), 0, "");

    String none = configuration.formatted("modern", ",'cni.dev/valid-attachments':null");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, none), 0, "");
    assertThat(endpoints()).contains("other").doesNotContain("kept");
    assertAnswer(host.cni("DEL", other, Map.of(), neighbour), 0, "");
    for (Namespace sandbox : List.of(kept, stale, other)) {
      sandbox.delete();
    }
    assertNothingLeft();
  }

  @Test
  void ipamForOtherPluginsIsCollectedByNetworkToo() throws Exception {
    String configuration =
        "{'cniVersion':'1.1.0','name':'%s','type':'bridge','ipam':{'type':'calico-ipam'}%s}";
    for (String network : List.of("bridged", "bridged.pod")) {
      assertAnswer(ipam("ADD", configuration.formatted(network, "")), 0, "\"ips\"");
    }
    assertAnswer(ipam("STATUS", configuration.formatted("bridged", "")), 0, "");
    assertAnswer(ipam("GC", configuration.formatted("bridged", "")), 1, "\"code\":7");
    assertAnswer(
        ipam("GC", configuration.formatted("bridged", ",'cni.dev/valid-attachments':[]")), 0, "");
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/").strip())
        .isEqualTo("/calico/ipam/v2/handle/bridged.pod.c1");
    assertAnswer(ipam("DEL", configuration.formatted("bridged.pod", "")), 0, "");
    assertNothingLeft();
  }

  private Command.Outcome ipam(String command, String configuration) throws IOException {
    return host.plugin(
        "calico-ipam",
        Map.of(
            "CNI_COMMAND",
            command,
            "CNI_CONTAINERID",
            "c1",
            "CNI_NETNS",
            "/run/netns/none",
            "CNI_IFNAME",
            "eth0",
            "CNI_PATH",
            "/"),
        configuration);
  }

  private static final Map<String, String> NO_CONTAINER =
      Map.of("CNI_CONTAINERID", "", "CNI_NETNS", "", "CNI_IFNAME", "");

  private static void assertAnswer(Command.Outcome outcome, int exitCode, String text) {
    assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(exitCode);
    if (text.isEmpty()) {
      assertThat(outcome.standardOutput()).isEmpty();
    } else {
      assertThat(outcome.standardOutput()).contains(text);
    }
  }

  private String attach(Namespace sandbox, Map<String, String> changed, String configuration)
      throws IOException {
    Command.Outcome added = host.cni("ADD", sandbox, changed, configuration);
    assertThat(added.exitCode()).as(added.output()).isZero();
    return TestHost.address(added.standardOutput());
  }

  private String endpoints() throws IOException {
    return host.calicoctl("", "get", "workloadendpoint", "-A").standardOutput();
  }

  @Test
  void theAgentSaysThatItLives() throws Exception {
    String table =
        host.command("busybox", "wget", "-q", "-O-", "http://localhost:9099/liveness").mustRun();
    assertThat(table).isEqualTo("Felix: live\n");
  }

  @Test
  void aKilledBirdIsStartedAgain() throws Exception {
    Path pidFile = host.state().resolve("run/bird.pid");
    Await.until("bird has written its pid", 15, () -> Files.exists(pidFile));
    String pid = Files.readString(pidFile).strip();
    Command.of("kill", "-9", pid).mustRun();
    Await.until(
        "another bird runs",
        15,
        () -> Files.exists(pidFile) && !Files.readString(pidFile).strip().equals(pid));
    Await.until(
        "it answers",
        15,
        () ->
            host.command("birdc", "-s", "/run/calico/bird.ctl", "show", "status").run().exitCode()
                == 0);
  }

  @Test
  void sigtermLeavesTheDataplaneInPlace() throws Exception {
    Workload a = host.start("stay-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("stay-b", Orchestrator.RKT, "calico", Map.of());
    Workload other = host.start("stay-c", Orchestrator.RKT, "other", Map.of());
    assertThat(host.stopAgent()).isEqualTo(143);
    assertThat(pings(a, b)).isTrue();
    assertThat(pings(other, b)).isFalse();
    host.startAgent();
    assertThat(pings(a, b)).isTrue();
    assertThat(pings(other, b)).isFalse();
    host.delete(a);
    host.delete(b);
    host.delete(other);
    assertNothingLeft();
  }
}
