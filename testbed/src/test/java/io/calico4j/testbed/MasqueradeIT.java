package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What workloads send out of all pools, where a pool has {@code natOutgoing}: a server outside,
 * which knows no route to the pools, answers only what comes from an address of the host.
 */
class MasqueradeIT extends OneHost {
  private static final String SERVER = "198.51.100.2";
  private static final String SERVER6 = "2001:db8:1::2";

  /** An address of the server's that may lie in a pool. */
  private static final String ELSEWHERE = "10.77.0.9";

  private Namespace outside;

  @BeforeEach
  void putAServerOutside() throws IOException {
    outside = Namespace.create("outside");
    host.namespace().connect("out0", outside, "eth0");
    host.namespace().ip("address", "add", "198.51.100.1/30", "dev", "out0");
    host.namespace().ip("address", "add", "198.51.100.5/32", "dev", "out0");
    host.namespace().ip("address", "add", "2001:db8:1::1/64", "dev", "out0", "nodad");
    host.namespace().ip("route", "add", ELSEWHERE, "via", SERVER);
    outside.ip("address", "add", SERVER + "/30", "dev", "eth0");
    outside.ip("address", "add", SERVER6 + "/64", "dev", "eth0", "nodad");
    outside.ip("address", "add", ELSEWHERE + "/32", "dev", "eth0");
    outside.ip("route", "add", "198.51.100.5", "dev", "eth0");
  }

  @AfterEach
  void takeItAway() throws IOException {
    outside.delete();
  }

  private void pool(String name, String cidr, boolean natOutgoing) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: %s}
        spec: {cidr: "%s", natOutgoing: %s}
        """
            .formatted(name, cidr, natOutgoing));
  }

  private String poolOf(Workload workload) throws IOException {
    String pools = host.calicoctl("", "get", "ippools").standardOutput();
    return pools
        .lines()
        .filter(line -> line.contains("10.65."))
        .map(line -> line.substring(0, line.indexOf(' ')))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no pool of " + workload.address() + ": " + pools));
  }

  private String cidrOf(String pool) throws IOException {
    String json = host.calicoctl("", "get", "ippool", pool, "-o", "json").standardOutput();
    return JsonParser.parseString(json)
        .getAsJsonObject()
        .getAsJsonObject("spec")
        .get("cidr")
        .getAsString();
  }

  /** Pings once more, and tells the address that the server sees, by connection tracking. */
  private String translated(Workload from, String to) throws IOException {
    var unused = host.command("conntrack", "-D", "-p", "icmp", "-d", to).run();
    if (!pings(from, to)) {
      return "nothing";
    }
    String entries = host.command("conntrack", "-L", "-p", "icmp", "-d", to).run().standardOutput();
    return entries.replaceAll("(?s).*src=" + to + " dst=([0-9.]+).*", "$1");
  }

  @Test
  void onlyWhatLeavesThePoolsGetsAnAddressOfTheHost() throws Exception {
    Workload pod = host.start("pod", Orchestrator.RKT, "calico", Map.of());
    String pool = poolOf(pod);
    String cidr = cidrOf(pool);
    pool(pool, cidr, false);
    Await.until("the server gets the pod's own address", 15, () -> !pings(pod, SERVER));
    pool(pool, cidr, true);
    Await.until("the server gets the host's address", 15, () -> pings(pod, SERVER));
    assertThat(translated(pod, SERVER)).isEqualTo("198.51.100.1");
    assertThat(PacketProbe.ping(host.namespace(), SERVER)).isTrue();

    Await.until("outside of all pools", 15, () -> pings(pod, ELSEWHERE));
    pool("elsewhere", "10.77.0.0/16", false);
    Await.until("to a pool the pod's own address is used", 15, () -> !pings(pod, ELSEWHERE));
    assertThat(host.calicoctl("", "delete", "ippool", "elsewhere").exitCode()).isZero();
    Await.until("no pool any more", 15, () -> pings(pod, ELSEWHERE));

    configureFelix("{natOutgoingAddress: 198.51.100.5}");
    Await.until(
        "another address of the host is used",
        15,
        () -> translated(pod, SERVER).equals("198.51.100.5"));
    configureFelix("{}");
    pool(pool, cidr, false);
    Await.until("the pod's own address again", 15, () -> !pings(pod, SERVER));
    host.delete(pod);
    assertNothingLeft();
  }

  private static boolean pings(Workload from, String address) throws IOException {
    return PacketProbe.ping(from.sandbox(), address);
  }

  @Test
  void ipv6IsMasqueradedTooAndForwardedOnlyWhereItIsUsed() throws Exception {
    Command.Outcome before = forwarding();
    assertThat(before.standardOutput().strip()).as("no pool has IPv6").isEqualTo("0");
    assertThat(host.namespace().command("sysctl", "-qw", acceptRa("1")).run().exitCode()).isZero();
    pool("six", "fd00:65::/64", true);
    Await.until("IPv6 is forwarded", 15, () -> forwarding().standardOutput().strip().equals("1"));
    assertThat(host.namespace().command("sysctl", "-n", "net.ipv6.conf.out0.accept_ra").mustRun())
        .as("the host goes on listening to its routers")
        .startsWith("2");

    Workload pod = host.start("six", Orchestrator.DUAL_STACK, "six", Map.of());
    Await.until("IPv6 is masqueraded", 15, () -> pings(pod, SERVER6));
    pool("six", "fd00:65::/64", false);
    Await.until("it is not any more", 15, () -> !pings(pod, SERVER6));
    host.delete(pod);
    assertThat(host.calicoctl("", "delete", "ippool", "six").exitCode()).isZero();
    assertNothingLeft();
  }

  private static String acceptRa(String value) {
    return "net.ipv6.conf.out0.accept_ra=" + value;
  }

  private Command.Outcome forwarding() throws IOException {
    return host.namespace().command("sysctl", "-n", "net.ipv6.conf.all.forwarding").run();
  }
}
