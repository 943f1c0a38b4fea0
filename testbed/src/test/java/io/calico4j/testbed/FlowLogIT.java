package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the agent's log says of packets that policy denies. */
class FlowLogIT extends OneHost {
  private static final String ON = "{flowLogsLocalReporter: Enabled, flowLogsFlushInterval: %s}";

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
        .filter(line -> line.contains("denied "))
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
    assertThat(logsPackets()).as("off by default").isFalse();
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

    long before = lines("type=8 code=0 direction=ingress");
    flood(a, b);
    assertThat(lines("type=8 code=0 direction=ingress"))
        .as("a flow that was named is not named again before its time")
        .isEqualTo(before);
    manyPorts(a, b);
    awaitLine("denied: [0-9]+ lines are left out, more than 10 in a second, packets=[0-9]+");
    assertThat(lines("dport=8[1-9][0-9][0-9] "))
        .as("some of 800 ports are named, in some seconds")
        .isBetween(1L, 200L);

    configureFelix(ON.formatted("1s"));
    Await.until("it goes on", 10, () -> !pings(a, b) && lines("type=8 code=0.*packets=") > before);
    awaitLine("type=8 code=0 direction=ingress .*packets=([2-9]|[0-9]{2,})$");

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
    configureFelix("{}");
    assertThat(host.calicoctl("", "delete", "globalnetworkpolicy", "guard").exitCode()).isZero();
    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  /** Sends thousands of pings to one address. */
  private static void flood(Workload from, Workload to) throws IOException {
    var unused =
        from.sandbox()
            .command("timeout", "2", "ping", "-f", "-c", "5000", "-W", "1", to.address())
            .run();
  }

  /** Knocks at 800 ports at once. */
  private static void manyPorts(Workload from, Workload to) throws IOException {
    from.sandbox()
        .command(
            "bash",
            "-c",
            "for p in $(seq 8100 8899); do"
                + " (timeout 1 bash -c \"exec 3<>/dev/tcp/$1/$p\" 2>/dev/null &); done; sleep 2",
            "knock",
            to.address())
        .mustRun();
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
    Workload a = host.start("six-a", Orchestrator.DUAL_STACK, "six", Map.of());
    policy("{selector: all(), types: [Egress], egress: [{action: Deny, protocol: ICMPv6}]}");
    configureFelix(ON.formatted("10s"));
    Await.until("denied packets are logged", 10, this::logsPackets);
    Await.until(
        "it is named",
        10,
        () ->
            !PacketProbe.ping(a.sandbox(), "fd00:66::9")
                && lines(
                        "from=fd00:65::\\S* to=fd00:66::9 protocol=icmpv6 type=128 code=0"
                            + " direction=egress policy=GlobalNetworkPolicy\\(guard\\) rule=1 ")
                    > 0);
    configureFelix("{}");
    assertThat(host.calicoctl("", "delete", "globalnetworkpolicy", "guard").exitCode()).isZero();
    host.delete(a);
    assertThat(host.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    assertNothingLeft();
  }
}
