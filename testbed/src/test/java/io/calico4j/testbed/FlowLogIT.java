package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the agent's log says of packets that policy denies. */
class FlowLogIT extends OneHost {
  private static final String ON = "{flowLogsLocalReporter: Enabled, flowLogsFlushInterval: %s}";

  private int before;

  @BeforeEach
  void lookAtNewLinesOnly() throws IOException {
    before = 0;
    before = denied().size();
  }

  @AfterEach
  void switchOff() throws IOException {
    configureFelix("{}");
    var unused = host.calicoctl("", "delete", "globalnetworkpolicy", "guard");
  }

  private void policy(String spec) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: guard}
        spec: %s
        """
            .formatted(spec));
  }

  private List<String> denied() throws IOException {
    return Files.readAllLines(host.state().resolve("node.log")).stream()
        .filter(line -> line.contains("FlowLog - denied"))
        .filter(line -> !line.contains("denied flows are"))
        .skip(before)
        .toList();
  }

  private long lines(String pattern) throws IOException {
    Pattern wanted = Pattern.compile(pattern);
    return denied().stream().filter(line -> wanted.matcher(line).find()).count();
  }

  private void awaitLine(String pattern) throws IOException {
    Await.until("the log says " + pattern + ": " + denied(), 5, () -> lines(pattern) > 0);
  }

  private boolean logsPackets() throws IOException {
    return host.rules().contains("group 145");
  }

  private static String flow(Workload from, Workload to, String rest) {
    return ("from=" + from.address() + " to=" + to.address() + " " + rest).replace("(", "\\(");
  }

  @Test
  void deniedFlowsAreNamedAndAllowedOnesAreNot() throws Exception {
    Workload a = host.start("tell-a", Orchestrator.MESOS, "net", Map.of("app", "a"));
    Workload b = host.start("tell-b", Orchestrator.MESOS, "net", Map.of("app", "b"));
    Await.until("b serves", 10, () -> PacketProbe.tcp(a.sandbox(), b.address()));
    policy(
        "{selector: app == 'b', types: [Ingress, Egress], ingress: ["
            + "{action: Allow, protocol: TCP, destination: {ports: [8080]}},"
            + "{action: Deny, protocol: ICMP},"
            + "{action: Deny, protocol: TCP, destination: {ports: ['8081:9000']}}],"
            + "egress: []}");
    Await.until("the policy is in force", 10, () -> !pings(a, b));
    // Chains that nothing leads to any more are removed after some seconds.
    Await.until("nothing is logged unless it is asked for", 15, () -> !logsPackets());
    assertThat(denied()).isEmpty();

    configureFelix(ON.formatted("3600s"));
    Await.until("denied packets are logged", 10, this::logsPackets);
    assertThat(pings(a, b)).isFalse();
    awaitLine(
        flow(a, b, "protocol=icmp type=8 code=0 direction=ingress ")
            + "policy=GlobalNetworkPolicy\\(guard\\) rule=2 endpoint=WorkloadEndpoint\\(\\S+\\)"
            + " in=cali\\S+ out=cali\\S+ packets=1$");
    assertThat(PacketProbe.tcp(a.sandbox(), b.address(), 8090)).isFalse();
    awaitLine(
        flow(a, b, "protocol=tcp sport=[0-9]+ dport=8090 direction=ingress ")
            + "policy=GlobalNetworkPolicy\\(guard\\) rule=3 ");
    assertThat(PacketProbe.tcp(a.sandbox(), b.address(), 7000)).isFalse();
    awaitLine("dport=7000 direction=ingress policy=Tier\\(default\\) rule=end ");
    assertThat(pings(b, a)).isFalse();
    awaitLine(
        flow(b, a, "protocol=icmp type=8 code=0 direction=egress ")
            + "policy=Tier\\(default\\) rule=end ");
    assertThat(PacketProbe.tcp(a.sandbox(), b.address())).isTrue();
    assertThat(lines("dport=8080 ")).isZero();

    send(a, b, "for i in $(seq 2000); do echo; done >/dev/udp/$1/9999");
    awaitLine("protocol=udp sport=[0-9]+ dport=9999 ");
    assertThat(lines("dport=9999 ")).as("a flow is named once in its interval").isEqualTo(1);
    // The rule logs fifty packets in a second, and has logged as many.
    send(a, b, "sleep 2; for p in $(seq 8100 8899); do echo >/dev/udp/$1/$p; done");
    awaitLine("denied: [0-9]+ lines are left out, more than 10 in a second, packets=[0-9]+");
    assertThat(lines("protocol=udp .*dport=8[1-8][0-9][0-9] "))
        .as("of 800 flows some are named")
        .isBetween(1L, 200L);

    configureFelix(ON.formatted("1s"));
    awaitLine("dport=9999 .* packets=([2-9]|[0-9]{2,3})$");

    configureFelix("{}");
    Await.until("nothing is logged any more", 10, () -> !logsPackets());
    long last = lines(".");
    assertThat(pings(a, b)).isFalse();
    assertThat(PacketProbe.tcp(a.sandbox(), b.address(), 8095)).isFalse();
    assertThat(lines(".")).isEqualTo(last);

    configureFelix(ON.formatted("10s"));
    Await.until("denied packets are logged again", 10, this::logsPackets);
    assertThat(PacketProbe.tcp(a.sandbox(), b.address(), 8099)).isFalse();
    awaitLine("dport=8099 ");
    switchOff();
    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  /** Runs a script in one workload with the other's address. */
  private static void send(Workload from, Workload to, String script) throws IOException {
    var unused = from.sandbox().command("bash", "-c", script, "send", to.address()).mustRun();
  }

  @Test
  void ipv6IsNamedToo() throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64"}
        """);
    Namespace outside = Namespace.create("outside");
    host.namespace().connect("out0", outside, "eth0");
    host.namespace().ip("address", "add", "2001:db8:1::1/64", "dev", "out0", "nodad");
    Workload a = host.start("six-a", Orchestrator.DUAL_STACK, "six", Map.of());
    policy("{selector: all(), types: [Egress], egress: [{action: Deny, protocol: ICMPv6}]}");
    configureFelix(ON.formatted("10s"));
    Await.until("denied packets are logged", 10, this::logsPackets);
    Await.until(
        "it is named",
        10,
        () ->
            !PacketProbe.ping(a.sandbox(), "2001:db8:1::2")
                && lines(
                        "from=fd00:65::\\S* to=2001:db8:1::2 protocol=icmpv6 type=128 code=0"
                            + " direction=egress policy=GlobalNetworkPolicy\\(guard\\) rule=1 ")
                    > 0);
    switchOff();
    host.delete(a);
    outside.delete();
    assertThat(host.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    assertNothingLeft();
  }
}
