package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What policy means for packets: each row is a set of resources and the probes that then succeed.
 * Without policy all of them do, because the three tasks share a network.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyIT {
  private static final String BASELINE = "client-tcp client-ping other-tcp other-ping server-tcp";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private TestHost host;
  private Workload server;
  private Workload client;
  private Workload other;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("policed", 11, "64512");
    host.startAgent();
    server = host.start("server", Orchestrator.MESOS, "net", Map.of("app", "server"));
    client = host.start("client", Orchestrator.MESOS, "net", Map.of("app", "client"));
    other = host.start("other", Orchestrator.MESOS, "net", Map.of("app", "other"));
    Await.until("every task serves", 10, () -> probe().equals(BASELINE));
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  /** Resources, and which probes get through with them. */
  enum Row {
    SELECTOR_PROTOCOL_AND_PORT(
        "client-tcp server-tcp",
        ingress(
            "{action: Allow, protocol: TCP, source: {selector: app == 'client'},"
                + " destination: {ports: [8080]}}")),
    NETS(
        "client-tcp client-ping server-tcp",
        ingress("{action: Allow, source: {nets: [CLIENT/32, 203.0.113.0/24]}}")),
    NOT_NETS(
        "other-tcp other-ping server-tcp",
        ingress("{action: Allow, source: {notNets: [CLIENT/32]}}")),
    PORT_RANGES(
        "client-tcp other-tcp server-tcp",
        ingress("{action: Allow, protocol: TCP, destination: {ports: [1, '8000:8100', 8080]}}")),
    NOT_PORTS(
        "server-tcp", ingress("{action: Allow, protocol: TCP, destination: {notPorts: [8080]}}")),
    ICMP_TYPE(
        "client-ping other-ping server-tcp",
        ingress("{action: Allow, protocol: ICMP, icmp: {type: 8, code: 0}}")),
    NOT_ICMP_TYPE("server-tcp", ingress("{action: Allow, protocol: ICMP, notICMP: {type: 8}}")),
    NOT_PROTOCOL("client-ping other-ping server-tcp", ingress("{action: Allow, notProtocol: TCP}")),
    NOT_SELECTOR(
        "other-tcp other-ping server-tcp",
        ingress("{action: Allow, source: {notSelector: app == 'client'}}")),
    DENY_COMES_FIRST(
        "other-tcp other-ping server-tcp",
        ingress("{action: Deny, source: {selector: app == 'client'}}", "{action: Allow}")),
    ALLOW_COMES_FIRST(
        "client-tcp client-ping server-tcp",
        ingress("{action: Allow, source: {selector: app == 'client'}}", "{action: Deny}")),
    LOG_DECIDES_NOTHING(
        "client-tcp other-tcp server-tcp",
        ingress("{action: Log}", "{action: Allow, protocol: TCP}")),
    PASS_LEAVES_IT_TO_THE_PROFILES(
        "client-tcp client-ping server-tcp",
        ingress("{action: Pass, source: {selector: app == 'client'}}")),
    ANOTHER_IP_VERSION("server-tcp", ingress("{action: Allow, ipVersion: 6}")),
    NO_RULE_AT_ALL("server-tcp", policy("p", "{selector: app == 'server', types: [Ingress]}")),
    EGRESS_RULES(
        "client-ping other-tcp other-ping server-tcp",
        policy(
            "p",
            "{selector: app == 'client', types: [Egress], egress: [{action: Deny, protocol: TCP,"
                + " destination: {selector: app == 'server'}}, {action: Allow}]}")),
    EGRESS_WITHOUT_RULES(
        "other-tcp other-ping server-tcp",
        policy("p", "{selector: app == 'client', types: [Egress]}")),
    BOTH_DIRECTIONS_OF_ALL("", policy("p", "{selector: all(), types: [Ingress, Egress]}")),
    ORDER_DECIDES(
        "other-tcp other-ping server-tcp",
        policy("a", "{order: 20, selector: app == 'server', ingress: [{action: Allow}]}"),
        policy(
            "b",
            "{order: 10, selector: app == 'server',"
                + " ingress: [{action: Deny, source: {selector: app == 'client'}}]}")),
    A_TIER_BEFORE_THE_DEFAULT(
        "client-tcp server-tcp",
        resource("Tier", "security", "{order: 10}"),
        policy(
            "security.p",
            "{tier: security, selector: app == 'server', ingress:"
                + " [{action: Pass, source: {selector: app == 'client'}}]}"),
        policy("q", "{selector: app == 'server', ingress: [{action: Allow, protocol: TCP}]}")),
    A_GLOBAL_NETWORK_SET(
        "client-tcp client-ping server-tcp",
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkSet
        metadata: {name: trusted, labels: {trusted: "yes"}}
        spec: {nets: [CLIENT/32]}
        """,
        ingress("{action: Allow, source: {selector: trusted == 'yes'}}")),
    A_NAMESPACED_POLICY(
        "client-tcp client-ping server-tcp",
        namespaced("default", "{action: Allow, source: {selector: app == 'client'}}")),
    A_POLICY_OF_ANOTHER_NAMESPACE(
        "client-tcp client-ping server-tcp",
        namespaced("elsewhere", "{action: Deny}"),
        ingress("{action: Allow, source: {selector: app == 'client'}}")),
    NAMESPACES_OF_A_PEER(
        "",
        policy("p", "{selector: app != 'server', types: [Ingress]}"),
        policy(
            "q",
            "{selector: app == 'server', ingress:"
                + " [{action: Allow, source: {namespaceSelector: global()}}]}"));

    private final String passing;
    private final String resources;

    Row(String passing, String... resources) {
      this.passing = passing;
      this.resources = String.join("---\n", resources);
    }

    private static String resource(String kind, String name, String spec) {
      return """
      apiVersion: projectcalico.org/v3
      kind: %s
      metadata: {name: %s}
      spec: %s
      """
          .formatted(kind, name, spec);
    }

    private static String policy(String name, String spec) {
      return resource("GlobalNetworkPolicy", name, spec);
    }

    private static String ingress(String... rules) {
      return policy(
          "p", "{selector: app == 'server', ingress: [" + String.join(", ", rules) + "]}");
    }

    private static String namespaced(String namespace, String rule) {
      return """
      apiVersion: projectcalico.org/v3
      kind: NetworkPolicy
      metadata: {name: p, namespace: %s}
      spec: {order: 1, selector: app == 'server', ingress: [%s]}
      """
          .formatted(namespace, rule);
    }
  }

  @ParameterizedTest
  @EnumSource(Row.class)
  void packetsMeetWhatPolicySays(Row row) throws Exception {
    String resources = row.resources.replace("CLIENT", client.address());
    Command.Outcome applied = host.calicoctl(resources, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    awaitProbe(row.passing);
    assertThat(probe()).isEqualTo(row.passing);
    Command.Outcome deleted = host.calicoctl(resources, "delete", "-f", "-");
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    awaitProbe(BASELINE);
  }

  @Test
  void aConnectionThatWasAllowedGoesOnWhenNewOnesAreNot() throws Exception {
    String deny = Row.BOTH_DIRECTIONS_OF_ALL.resources;
    try (LongConnection connection = new LongConnection(client, server, state)) {
      assertThat(host.calicoctl(deny, "apply", "-f", "-").exitCode()).isZero();
      awaitProbe("");
      connection.mustGoOn();
    }
    assertThat(host.calicoctl(deny, "delete", "-f", "-").exitCode()).isZero();
    awaitProbe(BASELINE);
  }

  private void awaitProbe(String expected) throws IOException {
    AtomicReference<String> last = new AtomicReference<>("");
    try {
      Await.until(
          "the probes that pass are: " + expected,
          15,
          () -> {
            last.set(probe());
            return last.get().equals(expected);
          });
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "; they are: " + last + "\n" + host.rules(), e);
    }
  }

  private interface Probe {
    boolean passes() throws IOException;
  }

  private String probe() {
    Map<String, Probe> probes =
        Map.of(
            "client-tcp", () -> PacketProbe.tcp(client.sandbox(), server.address()),
            "client-ping", () -> PacketProbe.ping(client.sandbox(), server.address()),
            "other-tcp", () -> PacketProbe.tcp(other.sandbox(), server.address()),
            "other-ping", () -> PacketProbe.ping(other.sandbox(), server.address()),
            "server-tcp", () -> PacketProbe.tcp(server.sandbox(), client.address()));
    Map<String, Boolean> results = new TreeMap<>();
    probes.entrySet().parallelStream()
        .forEach(
            e -> {
              boolean passes;
              try {
                passes = e.getValue().passes();
              } catch (IOException x) {
                throw new IllegalStateException(x);
              }
              synchronized (results) {
                results.put(e.getKey(), passes);
              }
            });
    return Arrays.stream(BASELINE.replace(' ', '\n').lines().toArray(String[]::new))
        .filter(results::get)
        .collect(Collectors.joining(" "));
  }
}
