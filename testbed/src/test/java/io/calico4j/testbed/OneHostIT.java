package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** One host, the installed programs, real etcd, BIRD and nftables, packets that flow or do not. */
class OneHostIT {
  @TempDir(cleanup = CleanupMode.NEVER)
  Path state;

  private TestHost host;

  @BeforeEach
  void start() throws Exception {
    String distribution = System.getProperty("calico.distribution", "");
    assertThat(distribution).as("run this test with ./verify, which installs first").isNotEmpty();
    assertThat(Files.exists(Path.of(distribution, "bin/calico"))).isTrue();
    host = new TestHost(Path.of(distribution), state, "host-a");
    host.startAgent();
  }

  @AfterEach
  void stop() throws Exception {
    host.stop();
  }

  private static String address(Command.Outcome outcome) {
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    String ip =
        JsonParser.parseString(outcome.output())
            .getAsJsonObject()
            .getAsJsonObject("ip4")
            .get("ip")
            .getAsString();
    assertThat(ip).endsWith("/32");
    return ip.substring(0, ip.indexOf('/'));
  }

  private static void await(Condition condition, String what) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("still not: " + what).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private void assertNothingLeft() throws Exception {
    await(() -> host.workloadLinks().isEmpty(), "no workload interface");
    await(
        () ->
            !Command.of("nft", "list", "table", "inet", "calico")
                .mustRun()
                .contains("filter-cali-tw-"),
        "no rule of a workload");
    assertThat(host.etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/").strip())
        .isEmpty();
    assertThat(
            host.etcdctl(
                    "get",
                    "--prefix",
                    "--keys-only",
                    "/calico/resources/v3/projectcalico.org/workloadendpoints/")
                .strip())
        .isEmpty();
    assertThat(host.etcdctl("get", "--prefix", "--print-value-only", "/calico/ipam/v2/assignment/"))
        .doesNotContain("handle_id");
  }

  @Test
  void podsAndTasksReachTheirNetworkOnlyUntilAPolicySaysOtherwise() throws Exception {
    for (String name : new String[] {"rkt-1", "rkt-2", "task-1", "task-2"}) {
      host.addSandbox(name);
    }
    String rkt1 = address(host.rkt("ADD", "rkt-1", "calico"));
    String rkt2 = address(host.rkt("ADD", "rkt-2", "calico"));
    String task1 = address(host.mesos("ADD", "task-1", "calico-net", "app", "ledger"));
    String task2 = address(host.mesos("ADD", "task-2", "calico-net", "app", "web"));

    assertThat(host.canPing("rkt-1", rkt2)).isTrue();
    assertThat(host.canPing("task-1", task2)).isTrue();
    assertThat(host.canPing("rkt-1", task1)).isFalse();
    assertThat(host.canPing("task-1", rkt1)).isFalse();

    host.etcdctl(
        "put",
        "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/ledger",
        "{\"kind\":\"GlobalNetworkPolicy\",\"apiVersion\":\"projectcalico.org/v3\",\"metadata\":"
            + "{\"name\":\"ledger\"},\"spec\":{\"selector\":\"app == 'ledger'\",\"types\":[\"Ingress\"],"
            + "\"ingress\":[{\"action\":\"Allow\",\"source\":{\"selector\":\"has(calico)\"}}]}}");
    await(() -> host.canPing("rkt-1", task1), "the policy lets rkt pods reach the ledger");
    assertThat(host.canPing("task-2", task1)).isFalse();
    assertThat(host.canPing("rkt-1", task2)).isFalse();

    host.killAgent();
    assertThat(host.canPing("rkt-1", task1)).isTrue();
    assertThat(host.canPing("task-2", task1)).isFalse();
    host.startAgent();
    assertThat(host.canPing("rkt-1", task1)).isTrue();
    assertThat(host.canPing("task-2", task1)).isFalse();
    assertThat(address(host.rkt("ADD", "rkt-1", "calico"))).isEqualTo(rkt1);

    assertThat(host.rkt("DEL", "rkt-1", "calico").exitCode()).isZero();
    assertThat(host.rkt("DEL", "rkt-2", "calico").exitCode()).isZero();
    assertThat(host.mesos("DEL", "task-1", "calico-net", "app", "ledger").exitCode()).isZero();
    assertThat(host.mesos("DEL", "task-2", "calico-net", "app", "web").exitCode()).isZero();
    assertThat(host.rkt("DEL", "rkt-1", "calico").exitCode()).isZero();
    assertNothingLeft();
  }

  @Test
  void anUnreadablePolicyClosesWorkloadsAndAForgedSourceIsDropped() throws Exception {
    host.addSandbox("a");
    host.addSandbox("b");
    assertThat(host.rkt("ADD", "a", "calico").exitCode()).isZero();
    String b = address(host.rkt("ADD", "b", "calico"));
    assertThat(host.canPing("a", b)).isTrue();

    Command.of("ip", "-n", "a", "address", "add", "10.65.99.99/32", "dev", "eth0").mustRun();
    assertThat(
            Command.of(
                    "ip",
                    "netns",
                    "exec",
                    "a",
                    "busybox",
                    "ping",
                    "-I",
                    "10.65.99.99",
                    "-c",
                    "1",
                    "-W",
                    "1",
                    b)
                .run()
                .exitCode())
        .isNotZero();

    String key = "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/broken";
    host.etcdctl("put", key, "{");
    await(() -> !host.canPing("a", b), "an unreadable policy denies");
    assertThat(host.etcdctl("del", key)).isNotEmpty();
    await(() -> host.canPing("a", b), "it is gone again");

    assertThat(host.rkt("DEL", "a", "calico").exitCode()).isZero();
    assertThat(host.rkt("DEL", "b", "calico").exitCode()).isZero();
    assertNothingLeft();
  }

  @Test
  void aFailedAddLeavesNothing() throws Exception {
    Command.Outcome missing = host.rkt("ADD", "nowhere", "calico");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.output()).contains("\"code\":101").contains("/run/netns/nowhere");

    host.addSandbox("c");
    Command.Outcome unknownPool =
        host.plugin(
            "ADD",
            "c",
            java.util.Map.of(),
            "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"calico\",\"ipam\":"
                + "{\"type\":\"calico-ipam\",\"ipv4_pools\":[\"huge\"]}}");
    assertThat(unknownPool.output()).contains("\"code\":100").contains("huge");

    Command.of("ip", "-n", "c", "link", "add", "eth0", "type", "bridge").mustRun();
    Command.Outcome taken = host.rkt("ADD", "c", "n");
    assertThat(taken.output()).contains("\"code\":101").contains("eth0 exists already");
    assertNothingLeft();
  }

  @Test
  void aKilledBirdIsStartedAgain() throws Exception {
    Path pidFile = state.resolve("run/bird.pid");
    await(() -> Files.exists(pidFile), "bird has written its pid");
    String pid = Files.readString(pidFile).strip();
    Command.of("kill", "-9", pid).mustRun();
    await(
        () -> Files.exists(pidFile) && !Files.readString(pidFile).strip().equals(pid),
        "another bird runs");
    await(
        () ->
            Command.of("birdc", "-s", state.resolve("run/bird.ctl").toString(), "show", "status")
                    .run()
                    .exitCode()
                == 0,
        "it answers");
  }
}
