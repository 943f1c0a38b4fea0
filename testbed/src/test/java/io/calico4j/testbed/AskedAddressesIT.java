package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever a container asks for, and whoever wrote its endpoint, its host keeps its own addresses,
 * sysctls, and its way to etcd.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AskedAddressesIT {
  private static final String FLOATING = "10.200.0.7";
  private static final String NETWORK =
      "{'cniVersion':'1.0.0','name':'net','type':'calico','ipam':{'type':'calico-ipam'},"
          + "'feature_control':{'ip_addrs_no_ipam':true},"
          + "'allowed_requests':{'floating_ips':['0.0.0.0/0','::/0']}%s}";

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private TestHost other;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("host-a", 11, "64512");
    other = testbed.addHost("host-b", 12, "64512");
    host.startAgent();
    other.startAgent();
    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: BGPPeer
            metadata: {name: rack}
            spec: {peerIP: "192.0.2.77:179", asNumber: 64999}
            ---
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: pings}
            spec: {selector: all(), types: [Ingress], ingress: [{action: Allow}]}
            """,
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private static String json(String more) {
    return NETWORK.formatted(more).replace('\'', '"');
  }

  private String etcdHost() {
    return etcd.url().replaceFirst("^https?://", "").replaceFirst(":[0-9]+$", "");
  }

  private boolean hostReachesEtcd() throws IOException {
    return host.command("env", "ETCDCTL_API=3", "etcdctl", "--endpoints", etcd.url(), "get", "/x")
            .run()
            .exitCode()
        == 0;
  }

  private Command.Outcome cni(String command, Namespace sandbox, String arguments, String more)
      throws IOException {
    return host.cni(
        command,
        sandbox,
        arguments.isEmpty() ? Map.of() : Map.of("CNI_ARGS", arguments),
        json(more));
  }

  @ParameterizedTest
  @CsvSource({
    "ETCD,is etcd's",
    "OWN,is an address of this host",
    "NODE,is node host-b's",
    "192.0.2.77,is BGPPeer rack's",
    "127.0.0.1,an address of this host",
    "127.7.7.7,is no address of one container",
    "10.65.99.99,which may give it to another container",
    "169.254.1.1,is no address of one container",
  })
  void anAddressThatTheClusterNeedsIsRefused(String asked, String why) throws Exception {
    String address =
        switch (asked) {
          case "ETCD" -> etcdHost();
          case "OWN" -> host.address();
          case "NODE" -> other.address();
          default -> asked;
        };
    Namespace sandbox = Namespace.create("asks");
    try {
      Command.Outcome floating = cni("ADD", sandbox, "FLOATING_IPS=" + address, "");
      assertThat(floating.exitCode()).as(floating.output()).isEqualTo(1);
      assertThat(floating.standardOutput()).contains("\"code\":100", address, why);
      if (!address.startsWith("10.65.")) {
        Command.Outcome bare =
            cni(
                "ADD",
                sandbox,
                "",
                ",'args':{'cni.projectcalico.org':{'ipAddrsNoIpam':['" + address + "']}}");
        assertThat(bare.standardOutput()).contains("\"code\":100", address, why);
      }
      assertThat(hostReachesEtcd()).isTrue();
      assertThat(cni("DEL", sandbox, "", "").exitCode()).isZero();
    } finally {
      sandbox.delete();
    }
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  @Test
  void aGrantedFloatingAddressWorksFromOutsideAndIsNobodyElses() throws Exception {
    Namespace sandbox = Namespace.create("floats");
    Namespace second = Namespace.create("second");
    Command.Outcome added = cni("ADD", sandbox, "FLOATING_IPS=" + FLOATING, "");
    assertThat(added.exitCode()).as(added.output()).isZero();
    assertThat(cni("ADD", sandbox, "FLOATING_IPS=" + FLOATING, "").exitCode()).as("again").isZero();
    other.namespace().ip("route", "add", FLOATING, "via", host.address());
    Await.until("another host reaches it", 30, () -> PacketProbe.ping(other.namespace(), FLOATING));
    assertThat(hostReachesEtcd()).isTrue();

    Command.Outcome taken = cni("ADD", second, "FLOATING_IPS=" + FLOATING, "");
    assertThat(taken.standardOutput()).contains("\"code\":100", FLOATING, "pod--floats");
    Command.Outcome fixed = cni("ADD", second, "", "");
    assertThat(fixed.exitCode()).as(fixed.output()).isZero();
    String assigned =
        JsonParser.parseString(fixed.standardOutput())
            .getAsJsonObject()
            .getAsJsonArray("ips")
            .get(0)
            .getAsJsonObject()
            .get("address")
            .getAsString()
            .replaceFirst("/.*", "");
    Namespace third = Namespace.create("third");
    assertThat(cni("ADD", third, "FLOATING_IPS=" + assigned, "").standardOutput())
        .contains("\"code\":100", "is held by handle net.pod-second");
    for (Namespace each : List.of(sandbox, second, third)) {
      assertThat(cni("DEL", each, "", "").exitCode()).isZero();
      each.delete();
    }
    other.namespace().ip("route", "del", FLOATING);
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  /** Another tool may write what it likes; Felix leaves out what would lead the host's way away. */
  @Test
  void anEndpointOfAnotherToolDoesNotCutTheHostOff() throws Exception {
    Namespace sandbox = Namespace.create("evil");
    Command.Outcome added = cni("ADD", sandbox, "", "");
    assertThat(added.exitCode()).as(added.output()).isZero();
    String prefix = "/calico/resources/v3/projectcalico.org/workloadendpoints/";
    String key =
        etcd.keys(prefix).stream().filter(k -> k.contains("evil")).findFirst().orElseThrow();
    JsonObject endpoint =
        JsonParser.parseString(etcd.ctl("get", "--print-value-only", key)).getAsJsonObject();
    String inside =
        endpoint
            .getAsJsonObject("spec")
            .getAsJsonArray("ipNetworks")
            .get(0)
            .getAsString()
            .replace("/32", "");
    List<String> wanted =
        List.of(etcdHost(), host.address(), other.address(), "192.0.2.77", FLOATING);
    endpoint
        .getAsJsonObject("spec")
        .add(
            "ipNATs",
            JsonParser.parseString(
                wanted.stream()
                    .map(a -> "{\"internalIP\":\"" + inside + "\",\"externalIP\":\"" + a + "\"}")
                    .collect(Collectors.joining(",", "[", "]"))));
    String unused = etcd.ctl("put", key, endpoint.toString());
    Await.until(
        "the one that is free is in force",
        30,
        () -> host.command("ip", "route", "show", FLOATING).mustRun().contains("cali"));
    assertThat(hostReachesEtcd()).isTrue();
    for (String address : wanted.subList(0, 4)) {
      assertThat(host.command("ip", "route", "show", address + "/32").mustRun())
          .as(address)
          .doesNotContain("cali");
    }
    String rules =
        host.command("nft", "list", "chain", "inet", "calico", "nat-cali-dnat").mustRun();
    assertThat(rules).contains(FLOATING, "fib daddr type local return");
    assertThat(rules).doesNotContain(etcdHost(), other.address(), "192.0.2.77");
    assertThat(host.command("nft", "list", "table", "inet", "calico").mustRun())
        .doesNotContain("type nat hook output");
    assertThat(PacketProbe.ping(other.namespace(), host.address())).isTrue();
    assertThat(Files.readString(host.state().resolve("node.log")))
        .contains("floating address " + etcdHost() + " of ", "is not put in force");
    assertThat(cni("DEL", sandbox, "", "").exitCode()).isZero();
    sandbox.delete();
    Await.until(
        "the route is gone",
        30,
        () -> !host.command("ip", "route", "show", FLOATING).mustRun().contains("cali"));
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  @Test
  void theHostsOwnNamespaceIsNoSandboxByWhateverPath() throws Exception {
    Map<String, String> before = sysctls();
    Path mounted = Files.createFile(state.resolve("looks-like-a-sandbox"));
    String unused =
        Command.of("mount", "--bind", host.namespace().path(), mounted.toString()).mustRun();
    try {
      for (Path path :
          List.of(mounted, Path.of(host.namespace().path()), Path.of("/proc/1/ns/net"))) {
        Command.Outcome added =
            host.cni("ADD", Namespace.at(path), Map.of("CNI_CONTAINERID", "pod-of-host"), json(""));
        assertThat(added.exitCode()).as(path + ": " + added.output()).isEqualTo(1);
        assertThat(added.standardOutput())
            .as(path.toString())
            .contains("\"code\":101", "is the host's own network namespace");
      }
      assertThat(sysctls()).isEqualTo(before);
      assertThat(before).containsEntry("net.ipv4.ip_forward", "1");
    } finally {
      String unusedToo = Command.of("umount", mounted.toString()).mustRun();
    }
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  @Test
  void anAddAndADelChangeNoSysctlOfTheHostButThoseOfTheInterface() throws Exception {
    Map<String, String> before = sysctls();
    assertThat(before).hasSizeGreaterThan(300);
    Namespace sandbox = Namespace.create("quiet");
    Command.Outcome added = cni("ADD", sandbox, "", "");
    assertThat(added.exitCode()).as(added.output()).isZero();
    Map<String, String> during = sysctls();
    during
        .keySet()
        .removeIf(name -> name.matches("net\\.ipv[46]\\.(conf|neigh)\\.cali[0-9a-f]{11}\\..*"));
    assertThat(during).isEqualTo(before);
    assertThat(cni("DEL", sandbox, "", "").exitCode()).isZero();
    sandbox.delete();
    Await.until(
        "the interface is gone",
        30,
        () -> sysctls().keySet().stream().noneMatch(name -> name.contains(".cali")));
    assertThat(sysctls()).isEqualTo(before);
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  /** Reads the host's network sysctls, but for counters. */
  private Map<String, String> sysctls() throws IOException {
    Map<String, String> all = new TreeMap<>();
    // A file of /proc/sys that may not be read has no line.
    String found =
        host.command("sh", "-c", "grep -rs '' /proc/sys/net 2>/dev/null").run().standardOutput();
    for (String line : found.lines().toList()) {
      int colon = line.indexOf(':');
      if (colon > 0 && !line.contains("nf_conntrack_count")) {
        all.put(
            line.substring("/proc/sys/".length(), colon).replace('/', '.'),
            line.substring(colon + 1));
      }
    }
    return all;
  }

  /** A value with a line's end in it stays in its line of the log. */
  @Test
  void aContainerIdForgesNoLineOfTheLog() throws Exception {
    Namespace sandbox = Namespace.create("forger");
    String forged =
        "x\n2026-11-26T00:00:00.000+0000 [main] WARN Felix - all doors are open\u001b[2K";
    for (String variable : List.of("CNI_CONTAINERID", "CNI_IFNAME", "CNI_ARGS")) {
      Command.Outcome added = host.cni("ADD", sandbox, Map.of(variable, forged), json(""));
      assertThat(added.exitCode()).as(added.output()).isEqualTo(1);
      assertThat(added.standardOutput()).contains("\"code\":4");
      assertThat(added.standardError().lines()).hasSize(1);
    }
    Path log = host.state().resolve("node.log");
    Await.until(
        "the refusals are in the log",
        30,
        () -> Files.readString(log).contains("\\n2026-11-26T00:00:00.000"));
    assertThat(Files.readAllLines(log))
        .noneMatch(line -> line.startsWith("2026-11-26T00:00:00.000"));
    assertThat(Files.readString(log)).doesNotContain("\u001b");
    sandbox.delete();
  }
}
