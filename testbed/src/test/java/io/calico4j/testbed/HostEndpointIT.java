package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What host endpoints mean for packets: each row is a set of resources, and the probes that fail
 * then; without them none does. The host has a client on eth0, another machine behind eth1, and a
 * task of its own; it translates port 9100 to the machine behind it, and what it sends itself to
 * port 9101 of that machine to the client.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostEndpointIT {
  private static final String HOST = "192.0.2.11";
  private static final String CLIENT = "192.0.2.50";
  private static final String HOST_ETH1 = "203.0.113.1";
  private static final String BEHIND = "203.0.113.2";
  private static final String POOL6 = "fd00:65::/64";
  private static final HostProbes.Addresses IPV6 =
      new HostProbes.Addresses("fd00:2::11", "fd00:3::1", "fd00:2::50", "fd00:3::2", "");

  private final Path state = Installed.freshState(getClass());
  private final List<Process> servers = new ArrayList<>();
  private Testbed testbed;
  private TestHost host;
  private Namespace client;
  private Namespace behind;
  private HostProbes probes;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("guarded", 11, "64512");
    client = testbed.addHost("client", 50, "64512").namespace();
    behind = Namespace.create("behind");
    host.namespace().connect("eth1", behind, "eth0");
    address(host.namespace(), "eth0", IPV6.host() + "/64");
    address(host.namespace(), "eth1", HOST_ETH1 + "/24", IPV6.hostEth1() + "/64");
    address(client, "eth0", IPV6.client() + "/64");
    address(behind, "eth0", BEHIND + "/24", IPV6.behind() + "/64");
    behind.ip("route", "add", "default", "via", HOST_ETH1);
    behind.ip("-6", "route", "add", "default", "via", IPV6.hostEth1());
    client.ip("route", "add", "203.0.113.0/24", "via", HOST);
    client.ip("-6", "route", "add", "fd00:3::/64", "via", IPV6.host());
    client.ip("route", "add", Testbed.POOL, "via", HOST);
    client.ip("-6", "route", "add", POOL6, "via", IPV6.host());
    translate("ip", BEHIND, CLIENT);
    translate("ip6", "[" + IPV6.behind() + "]", "[" + IPV6.client() + "]");
    for (Namespace each : List.of(host.namespace(), client, behind)) {
      servers.add(PageServer.start(each.enter(List.of()), state));
    }
    serve(host.namespace(), HostProbes.SSH);
    serve(client, HostProbes.FAILSAFE_OUT);
    host.startAgent();
    apply(
        resource("IPPool", "six", "{cidr: '" + POOL6 + "'}")
            + "---\n"
            + policy(
                "tasks",
                "{selector: has(projectcalico.org/orchestrator), ingress: [{action: Allow}],"
                    + " egress: [{action: Allow}]}"));
    Workload task = host.start("task", Orchestrator.DUAL_STACK, "net", Map.of());
    String task6 =
        task.sandbox().ip("-6", "-o", "address", "show", "scope", "global").split("\\s+", -1)[3];
    probes =
        new HostProbes(
            host.namespace(),
            client,
            behind,
            task.sandbox(),
            new HostProbes.Addresses(HOST, HOST_ETH1, CLIENT, BEHIND, task.address()),
            new HostProbes.Addresses(
                IPV6.host(),
                IPV6.hostEth1(),
                IPV6.client(),
                IPV6.behind(),
                task6.substring(0, task6.indexOf('/'))));
    awaitFailing("");
  }

  private static void address(Namespace in, String link, String... addresses) throws IOException {
    for (String address : addresses) {
      String[] arguments = {"address", "add", address, "dev", link};
      in.ip(address.contains(":") ? append(arguments, "nodad") : arguments);
    }
  }

  private static String[] append(String[] arguments, String last) {
    String[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = last;
    return all;
  }

  private void translate(String family, String in, String out) throws IOException {
    host.namespace()
        .command(
            "nft",
            """
            table %s other {
              chain in {
                type nat hook prerouting priority -100;
                iifname eth0 tcp dport 9100 dnat to %s:8080;
              }
              chain out {
                type nat hook output priority -100;
                tcp dport 9101 dnat to %s:8080;
              }
            }
            """
                .formatted(family, in, out))
        .mustRun();
  }

  private void serve(Namespace in, int port) throws IOException {
    servers.add(
        new ProcessBuilder(
                in.enter(List.of("busybox", "httpd", "-f", "-p", "" + port, "-h", state + "/www")))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start());
  }

  @AfterAll
  void stop() throws Exception {
    servers.forEach(Process::destroyForcibly);
    probes.close();
    behind.delete();
    testbed.close();
  }

  private static String resource(String kind, String name, String spec) {
    return """
        apiVersion: projectcalico.org/v3
        kind: %s
        metadata: {name: %s, labels: {role: host}}
        spec: %s
        """
        .formatted(kind, name, spec);
  }

  private static String policy(String name, String spec) {
    return resource("GlobalNetworkPolicy", name, spec);
  }

  private static String endpoint(String name, String spec) {
    return resource("HostEndpoint", name, "{node: guarded, " + spec + "}");
  }

  private static String eth0() {
    return endpoint("e", "interfaceName: eth0");
  }

  private static String openEth0() {
    return endpoint("e", "interfaceName: eth0, profiles: [projectcalico-default-allow]");
  }

  private static String forHosts(String spec) {
    return policy("p", "{selector: role == 'host', " + spec + "}");
  }

  /** Adds to a rule or port the same one with the IPv6 addresses of the same machines. */
  private static String both(String rule) {
    return rule
        + ", "
        + rule.replaceAll("192\\.0\\.2\\.(\\d+)/32", "fd00:2::$1/128")
            .replaceAll("203\\.0\\.113\\.(\\d+)/32", "fd00:3::$1/128")
            .replace("192.0.2.0/24", "fd00:2::/64")
            .replace("203.0.113.0/24", "fd00:3::/64")
            .replace(Testbed.POOL, POOL6);
  }

  /** Resources, and which probes fail with them, in either address family. */
  enum Row {
    BY_INTERFACE("in out out-translated", eth0()),
    BY_EXPECTED_ADDRESS("in out out-translated", endpoint("e", "expectedIPs: [192.0.2.11]")),
    BY_EXPECTED_IPV6_ADDRESS("in out out-translated", endpoint("e", "expectedIPs: ['fd00:2::11']")),
    ANOTHER_INTERFACE("in-eth1", endpoint("e", "interfaceName: eth1")),
    AN_ADDRESS_THAT_THE_HOST_DOES_NOT_HAVE(
        "in-eth1",
        endpoint("a", "expectedIPs: [192.0.2.99]"),
        endpoint("e", "expectedIPs: [203.0.113.1]")),
    ANOTHER_NODES(
        "in-eth1",
        resource("HostEndpoint", "a", "{node: other, interfaceName: eth0}"),
        endpoint("e", "interfaceName: eth1")),
    EVERY_INTERFACE(
        "in out out-translated in-eth1 task-to-host", endpoint("e", "interfaceName: '*'")),
    ITS_OWN_ENDPOINT_BEATS_THAT_OF_EVERY_INTERFACE(
        "in-eth1 task-to-host",
        endpoint("a", "interfaceName: '*'"),
        endpoint("e", "interfaceName: eth0, profiles: [projectcalico-default-allow]")),
    THE_FIRST_NAME_WINS(
        "in out out-translated",
        endpoint("a", "interfaceName: eth0"),
        endpoint("b", "interfaceName: eth0, profiles: [projectcalico-default-allow]"),
        endpoint("c", "expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]")),
    A_PROFILE_THAT_IS_MISSING(
        "in out out-translated",
        endpoint("e", "interfaceName: eth0, profiles: [none, projectcalico-default-allow]")),
    NO_FAILSAFE_PORTS(
        "in in-failsafe out out-failsafe out-translated",
        resource(
            "FelixConfiguration",
            "default",
            "{failsafeInboundHostPorts: [], failsafeOutboundHostPorts: []}"),
        eth0()),
    A_FAILSAFE_PORT_FOR_A_NETWORK(
        "in-failsafe out out-translated",
        resource(
            "FelixConfiguration",
            "default",
            "{failsafeInboundHostPorts: ["
                + both("{protocol: TCP, port: 8080, net: '192.0.2.0/24'}")
                + "]}"),
        eth0()),
    INGRESS(
        "out out-translated",
        eth0(),
        forHosts(
            "ingress: ["
                + both(
                    "{action: Allow, protocol: TCP, source: {nets: [192.0.2.50/32]},"
                        + " destination: {ports: [8080]}}")
                + "]")),
    EGRESS(
        "in",
        eth0(),
        forHosts("egress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]")),
    INGRESS_THAT_DENIES(
        "in",
        openEth0(),
        forHosts("ingress: [" + both("{action: Deny, source: {nets: [192.0.2.50/32]}}") + "]")),
    A_NAMESPACED_POLICY_DOES_NOT_APPLY(
        "in out out-translated",
        eth0(),
        """
        apiVersion: projectcalico.org/v3
        kind: NetworkPolicy
        metadata: {name: p, namespace: default}
        spec: {ingress: [{action: Allow}], egress: [{action: Allow}]}
        """),
    A_HOST_ENDPOINT_AS_A_PEER(
        "task-out",
        openEth0(),
        resource(
            "HostEndpoint",
            "peer",
            "{node: other, interfaceName: x, expectedIPs: [192.0.2.50, 'fd00:2::50']}"),
        policy(
            "p",
            "{order: 1, selector: has(projectcalico.org/orchestrator), types: [Egress],"
                + " egress: [{action: Deny, destination: {selector: role == 'host'}}]}")),
    FORWARDED_IN(
        "in task-in",
        openEth0(),
        forHosts(
            "applyOnForward: true,"
                + " ingress: ["
                + both("{action: Allow, destination: {nets: [203.0.113.0/24]}}")
                + "]")),
    FORWARDED_OUT(
        "forward-out",
        openEth0(),
        forHosts(
            "applyOnForward: true, types: [Egress], egress: ["
                + both("{action: Deny, source: {nets: [203.0.113.2/32]}}")
                + ", {action: Allow}]")),
    FORWARDED_OUT_OF_TASKS(
        "task-out",
        endpoint("e", "interfaceName: '*', profiles: [projectcalico-default-allow]"),
        forHosts(
            "applyOnForward: true, types: [Egress], egress: ["
                + both(
                    "{action: Deny, source: {nets: [10.65.0.0/16]}, destination:"
                        + " {nets: [192.0.2.0/24]}}")
                + ", {action: Allow}]")),
    BEFORE_DNAT_DENIED(
        "translated",
        openEth0(),
        forHosts(
            "applyOnForward: true, preDNAT: true, ingress:"
                + " [{action: Deny, protocol: TCP, destination: {ports: [9100]}}]")),
    BEFORE_DNAT_ACCEPTED(
        "out out-translated translated",
        eth0(),
        forHosts(
            "applyOnForward: true, preDNAT: true, ingress:"
                + " [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]"),
        policy("q", "{selector: role == 'host', applyOnForward: true, ingress: [{action: Deny}]}")),
    BEFORE_DNAT_SAYS_NOTHING(
        "in out out-translated",
        eth0(),
        forHosts(
            "applyOnForward: true, preDNAT: true, ingress:"
                + " [{action: Allow, protocol: TCP, destination: {ports: [1]}}]")),
    UNTRACKED(
        "out out-translated",
        eth0(),
        forHosts(
            "applyOnForward: true, doNotTrack: true,"
                + " ingress: ["
                + both(Row.TO_HOST)
                + "],"
                + " egress: [{action: Allow, protocol: TCP, source: {ports: [8080]}}]")),
    UNTRACKED_ONE_WAY_ONLY(
        "in out out-translated",
        eth0(),
        forHosts(
            "applyOnForward: true, doNotTrack: true, types: [Ingress],"
                + " ingress: ["
                + both(Row.TO_HOST)
                + "]")),
    UNTRACKED_INGRESS_DENIED(
        "in out out-translated forward-in forward-out task-in task-out translated",
        openEth0(),
        forHosts("applyOnForward: true, doNotTrack: true, ingress: [{action: Deny}]")),
    UNTRACKED_EGRESS_DENIED(
        "in out",
        openEth0(),
        forHosts("applyOnForward: true, doNotTrack: true, egress: [{action: Deny}]"));

    private static final String TO_HOST =
        "{action: Allow, protocol: TCP, destination: {nets: [192.0.2.11/32], ports: [8080]}}";

    private final String failing;
    private final String resources;

    Row(String failing, String... resources) {
      this.failing = failing;
      this.resources = String.join("---\n", resources);
    }
  }

  @ParameterizedTest
  @EnumSource(Row.class)
  void packetsMeetWhatIsSaid(Row row) throws Exception {
    Command.Outcome applied = apply(row.resources);
    assertThat(applied.output()).doesNotContain("warning");
    awaitFailing(row.failing);
    assertThat(probes.failing()).isEqualTo(row.failing);
    HostEndpointModel model =
        HostEndpointModel.read(
            host,
            Map.of("eth0", Set.of(HOST, IPV6.host()), "eth1", Set.of(HOST_ETH1, IPV6.hostEth1())),
            PacketProbe.PORT);
    assertThat(probes.explained(model))
        .as("policy explain")
        .isEqualTo(HostProbes.withoutTranslated(row.failing));
    delete(row.resources);
  }

  @Test
  void aKnownConnectionGoesOnWhenNewOnesAreNotLetIn() throws Exception {
    Workload sender = new Workload("client", Orchestrator.MESOS, "net", Map.of(), client, CLIENT);
    Workload receiver =
        new Workload("guarded", Orchestrator.MESOS, "net", Map.of(), host.namespace(), HOST);
    try (LongConnection connection = new LongConnection(sender, receiver, state)) {
      apply(eth0());
      awaitFailing("in out out-translated");
      connection.mustGoOn();
    }
    delete(eth0());
  }

  /** Not even the endpoint whose interface the new agent has yet to find by its address. */
  @Test
  void aRestartOpensNothing() throws Exception {
    String endpoint = endpoint("e", "expectedIPs: [192.0.2.11]");
    apply(endpoint);
    awaitFailing("in out out-translated");
    AtomicBoolean passed = new AtomicBoolean();
    AtomicBoolean over = new AtomicBoolean();
    Thread knocking =
        new Thread(
            () -> {
              while (!over.get()) {
                try {
                  passed.compareAndSet(false, PacketProbe.tcp(client, HOST));
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              }
            });
    knocking.start();
    try {
      host.killAgent();
      host.startAgent();
      awaitFailing("in out out-translated");
    } finally {
      over.set(true);
      knocking.join();
    }
    assertThat(passed).as("a connection got in").isFalse();
    delete(endpoint);
  }

  private void delete(String resources) throws IOException {
    Command.Outcome deleted = host.calicoctl(resources, "delete", "-f", "-");
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    awaitFailing("");
  }

  private Command.Outcome apply(String resources) throws IOException {
    Command.Outcome applied = host.calicoctl(resources, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    return applied;
  }

  private void awaitFailing(String expected) throws IOException {
    AtomicReference<String> last = new AtomicReference<>("");
    try {
      Await.until(
          "the probes that fail are: " + expected,
          15,
          () -> {
            last.set(probes.failing());
            return last.get().equals(expected);
          });
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "; they are: " + last + "\n" + host.rules(), e);
    }
  }
}
