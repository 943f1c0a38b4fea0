package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
  private static final List<String> PROBES =
      List.of(
          "in",
          "in-failsafe",
          "out",
          "out-failsafe",
          "out-translated",
          "in-eth1",
          "forward-in",
          "forward-out",
          "task-in",
          "task-out",
          "host-to-task",
          "task-to-host",
          "translated");

  private static final String HOST = "192.0.2.11";
  private static final String CLIENT = "192.0.2.50";
  private static final String HOST_ETH1 = "203.0.113.1";
  private static final String BEHIND = "203.0.113.2";
  private static final int SSH = 22;
  private static final int FAILSAFE_OUT = 6666;
  private static final int TRANSLATED = 9100;
  private static final int TRANSLATED_OUT = 9101;

  private final Path state = Installed.freshState(getClass());
  private final List<Process> servers = new ArrayList<>();
  private Testbed testbed;
  private TestHost host;
  private Namespace client;
  private Namespace behind;
  private Workload task;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("guarded", 11, "64512");
    client = testbed.addHost("client", 50, "64512").namespace();
    behind = Namespace.create("behind");
    host.namespace().connect("eth1", behind, "eth0");
    host.namespace().ip("address", "add", HOST_ETH1 + "/24", "dev", "eth1");
    behind.ip("address", "add", BEHIND + "/24", "dev", "eth0");
    behind.ip("route", "add", "default", "via", HOST_ETH1);
    client.ip("route", "add", "203.0.113.0/24", "via", HOST);
    client.ip("route", "add", Testbed.POOL, "via", HOST);
    host.namespace()
        .command(
            "nft",
            """
            table ip other {
              chain in {
                type nat hook prerouting priority -100;
                iifname eth0 tcp dport 9100 dnat to 203.0.113.2:8080;
              }
              chain out {
                type nat hook output priority -100;
                tcp dport 9101 dnat to 192.0.2.50:8080;
              }
            }
            """)
        .mustRun();
    for (Namespace each : List.of(host.namespace(), client, behind)) {
      servers.add(PageServer.start(each.enter(List.of()), state));
    }
    serve(host.namespace(), SSH);
    serve(client, FAILSAFE_OUT);
    host.startAgent();
    task = host.start("task", Orchestrator.MESOS, "net", Map.of("app", "task"));
    apply(
        policy(
            "tasks",
            "{selector: app == 'task', ingress: [{action: Allow}],"
                + " egress: [{action: Allow}]}"));
    awaitFailing("");
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

  /** Resources, and which probes fail with them. */
  enum Row {
    BY_INTERFACE("in out out-translated", eth0()),
    BY_EXPECTED_ADDRESS("in out out-translated", endpoint("e", "expectedIPs: [192.0.2.11]")),
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
            "{failsafeInboundHostPorts: [{protocol: TCP, port: 8080, net: 192.0.2.0/24}]}"),
        eth0()),
    INGRESS(
        "out out-translated",
        eth0(),
        forHosts(
            "ingress: [{action: Allow, protocol: TCP, source: {nets: [192.0.2.50/32]},"
                + " destination: {ports: [8080]}}]")),
    EGRESS(
        "in",
        eth0(),
        forHosts("egress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]")),
    INGRESS_THAT_DENIES(
        "in", openEth0(), forHosts("ingress: [{action: Deny, source: {nets: [192.0.2.50/32]}}]")),
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
            "HostEndpoint", "peer", "{node: other, interfaceName: x, expectedIPs: [192.0.2.50]}"),
        policy(
            "p",
            "{order: 1, selector: app == 'task', types: [Egress],"
                + " egress: [{action: Deny, destination: {selector: role == 'host'}}]}")),
    FORWARDED_IN(
        "in task-in",
        openEth0(),
        forHosts(
            "applyOnForward: true,"
                + " ingress: [{action: Allow, destination: {nets: [203.0.113.0/24]}}]")),
    FORWARDED_OUT(
        "forward-out",
        openEth0(),
        forHosts(
            "applyOnForward: true, types: [Egress], egress: ["
                + "{action: Deny, source: {nets: [203.0.113.2/32]}}, {action: Allow}]")),
    FORWARDED_OUT_OF_TASKS(
        "task-out",
        endpoint("e", "interfaceName: '*', profiles: [projectcalico-default-allow]"),
        forHosts(
            "applyOnForward: true, types: [Egress], egress: ["
                + "{action: Deny, source: {nets: [10.65.0.0/16]}, destination:"
                + " {nets: [192.0.2.0/24]}}, {action: Allow}]")),
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
                + " ingress: [{action: Allow, protocol: TCP, destination:"
                + " {nets: [192.0.2.11/32], ports: [8080]}}],"
                + " egress: [{action: Allow, protocol: TCP, source: {ports: [8080]}}]")),
    UNTRACKED_ONE_WAY_ONLY(
        "in out out-translated",
        eth0(),
        forHosts(
            "applyOnForward: true, doNotTrack: true, types: [Ingress],"
                + " ingress: [{action: Allow, protocol: TCP, destination:"
                + " {nets: [192.0.2.11/32], ports: [8080]}}]")),
    UNTRACKED_INGRESS_DENIED(
        "in out out-translated forward-in forward-out task-in task-out translated",
        openEth0(),
        forHosts("applyOnForward: true, doNotTrack: true, ingress: [{action: Deny}]")),
    UNTRACKED_EGRESS_DENIED(
        "in out",
        openEth0(),
        forHosts("applyOnForward: true, doNotTrack: true, egress: [{action: Deny}]"));

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
    assertThat(failing()).isEqualTo(row.failing);
    HostEndpointModel model =
        HostEndpointModel.read(host, Map.of("eth0", HOST, "eth1", HOST_ETH1), PacketProbe.PORT);
    assertThat(explained(model)).as("policy explain").isEqualTo(withoutTranslated(row.failing));
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

  /** Returns the probes that fail by what explain says; it does not follow translation. */
  private String explained(HostEndpointModel model) {
    return withoutTranslated(
        PROBES.stream().filter(probe -> !explained(model, probe)).collect(Collectors.joining(" ")));
  }

  private boolean explained(HostEndpointModel model, String probe) {
    String at = task.address();
    return switch (probe) {
      case "in" -> model.allows("eth0", CLIENT, "", HOST);
      case "in-failsafe" -> model.allows("eth0", CLIENT, "", HOST, SSH);
      case "out" -> model.allows("", HOST, "eth0", CLIENT);
      case "out-failsafe" -> model.allows("", HOST, "eth0", CLIENT, FAILSAFE_OUT);
      case "in-eth1" -> model.allows("eth1", BEHIND, "", HOST_ETH1);
      case "forward-in" -> model.allows("eth0", CLIENT, "eth1", BEHIND);
      case "forward-out" -> model.allows("eth1", BEHIND, "eth0", CLIENT);
      case "task-in" -> model.allows("eth0", CLIENT, "task", at);
      case "task-out" -> model.allows("task", at, "eth0", CLIENT);
      case "host-to-task" -> model.allows("", HOST, "task", at);
      case "task-to-host" -> model.allows("task", at, "", HOST);
      default -> true;
    };
  }

  private static String withoutTranslated(String probes) {
    return Stream.of(probes.split(" ", -1))
        .filter(probe -> !probe.contains("translated"))
        .collect(Collectors.joining(" "));
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
          5,
          () -> {
            last.set(failing());
            return last.get().equals(expected);
          });
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "; they are: " + last + "\n" + host.rules(), e);
    }
  }

  private boolean passes(String probe) throws IOException {
    Namespace own = host.namespace();
    return switch (probe) {
      case "in" -> PacketProbe.tcp(client, HOST);
      case "in-failsafe" -> PacketProbe.tcp(client, HOST, SSH);
      case "out" -> PacketProbe.tcp(own, CLIENT);
      case "out-failsafe" -> PacketProbe.tcp(own, CLIENT, FAILSAFE_OUT);
      case "out-translated" -> PacketProbe.tcp(own, BEHIND, TRANSLATED_OUT);
      case "in-eth1" -> PacketProbe.tcp(behind, HOST_ETH1);
      case "forward-in" -> PacketProbe.tcp(client, BEHIND);
      case "forward-out" -> PacketProbe.tcp(behind, CLIENT);
      case "task-in" -> PacketProbe.tcp(client, task.address());
      case "task-out" -> PacketProbe.tcp(task.sandbox(), CLIENT);
      case "host-to-task" -> PacketProbe.tcp(own, task.address());
      case "task-to-host" -> PacketProbe.tcp(task.sandbox(), HOST);
      case "translated" -> PacketProbe.tcp(client, HOST, TRANSLATED);
      default -> throw new IllegalArgumentException(probe);
    };
  }

  private String failing() {
    Map<String, Boolean> results = new TreeMap<>();
    Stream<String> probes = PROBES.parallelStream();
    probes.forEach(
        probe -> {
          boolean passes;
          try {
            passes = passes(probe);
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
          synchronized (results) {
            results.put(probe, passes);
          }
        });
    return PROBES.stream()
        .filter(probe -> Boolean.FALSE.equals(results.get(probe)))
        .collect(Collectors.joining(" "));
  }
}
