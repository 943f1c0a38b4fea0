package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Docker's drivers calico and calico-ipam: two hosts with a real dockerd each, whose containers
 * reach each other and are kept apart, whatever is killed meanwhile.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LibnetworkIT {
  private static final String POOLS =
      """
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata: {name: second}
      spec: {cidr: 10.66.0.0/16}
      ---
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata: {name: six}
      spec: {cidr: "fd00:66::/112"}
      """;

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost one;
  private TestHost two;
  private DockerEngine a;
  private DockerEngine b;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    one = testbed.addHost("one", 11, "64512");
    two = testbed.addHost("two", 12, "64512");
    a = new DockerEngine(one);
    b = new DockerEngine(two);
    one.set("CALICO_LIBNETWORK_LABEL_ENDPOINTS", "true");
    one.startAgent();
    two.startAgent();
    apply(POOLS);
    for (DockerEngine engine : List.of(a, b)) {
      engine.start();
      engine.importImage();
      for (String network : List.of("blue", "red")) {
        create(engine, network);
      }
    }
  }

  private static void create(DockerEngine engine, String name, String... options)
      throws IOException {
    String[] all = new String[options.length + 7];
    System.arraycopy(
        new String[] {"network", "create", "--driver", "calico", "--ipam-driver", "calico-ipam"},
        0,
        all,
        0,
        6);
    System.arraycopy(options, 0, all, 6, options.length);
    all[all.length - 1] = name;
    String unused = engine.must(all);
  }

  @AfterAll
  void stop() throws Exception {
    a.close();
    b.close();
    testbed.close();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    Testbed.mustBeClean(etcd);
    one.mustBeClean();
    two.mustBeClean();
  }

  private void apply(String yaml) throws IOException {
    Command.Outcome applied = one.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private static void remove(DockerEngine engine, String... containers) throws IOException {
    for (String container : containers) {
      String unused = engine.must("rm", "--force", container);
    }
  }

  @Test
  void membersOfANetworkReachEachOtherAcrossHostsAndNobodyElse() throws Exception {
    a.run("web", "blue");
    b.run("client", "blue");
    b.run("stranger", "red");
    String web = a.address("web", "blue");
    Await.until("the other host is reached", 20, () -> b.pings("client", web));
    assertThat(
            b.docker("exec", "client", "busybox", "wget", "-q", "-O-", "http://" + web + ":8080")
                .output())
        .contains("ok");
    assertThat(b.pings("stranger", web)).isFalse();
    assertThat(a.pings("web", b.address("stranger", "red"))).isFalse();
    Await.until(
        "the endpoints say whose they are",
        10,
        () -> {
          String wide = one.calicoctl("", "get", "wep", "-o", "wide").standardOutput();
          return wide.contains(" web ") && wide.contains(" blue") && wide.contains(" stranger ");
        });
    assertThat(a.docker("exec", "web", "ip", "-o", "address").output()).contains("cali0");
    remove(a, "web");
    remove(b, "client", "stranger");
  }

  @Test
  void addressesOfBothFamiliesAreAskedForAndANetworkIsConnectedLater() throws Exception {
    create(a, "dual", "--ipv6", "--subnet", "10.66.0.0/16", "--subnet", "fd00:66::/112");
    a.run("fixed", "dual", "--ip", "10.66.0.9", "--ip6", "fd00:66::9");
    a.run("second", "dual");
    assertThat(a.address("fixed", "dual")).isEqualTo("10.66.0.9");
    assertThat(a.address6("fixed", "dual")).isEqualTo("fd00:66::9");
    Await.until("it answers", 10, () -> a.pings("second", "10.66.0.9"));
    Await.until("it answers by IPv6", 10, () -> a.pings("second", "fd00:66::9"));
    assertThat(a.pings("fixed", a.address6("second", "dual"))).isTrue();
    assertThat(
            a.docker(
                    "run",
                    "--network",
                    "dual",
                    "--ip",
                    "10.66.0.9",
                    DockerEngine.IMAGE,
                    "sleep",
                    "9")
                .output())
        .contains("10.66.0.9", "WorkloadEndpoint one-libnetwork-libnetwork-");

    a.run("third", "blue");
    String unusedConnect = a.must("network", "connect", "blue", "second");
    String there = a.address("second", "blue");
    Await.until("the second network is there", 10, () -> a.pings("third", there));
    assertThat(a.pings("second", a.address("third", "blue"))).isTrue();
    assertThat(a.pings("second", "10.66.0.9")).isTrue();
    assertThat(a.pings("fixed", a.address("third", "blue"))).isFalse();
    String unusedDisconnect = a.must("network", "disconnect", "blue", "second");
    assertThat(a.pings("third", there)).isFalse();
    assertThat(a.pings("second", "10.66.0.9")).isTrue();
    remove(a, "fixed", "second", "third");
    String unusedPrune = a.must("container", "prune", "--force");
    String unusedRemoval = a.must("network", "rm", "dual");
  }

  @Test
  void aPolicySelectsContainersByTheirLabels() throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: database}
        spec:
          selector: role == 'db'
          ingress:
          - action: Allow
            protocol: TCP
            source: {selector: role == 'app'}
            destination: {ports: [8080]}
        """);
    a.run("db", "blue", "--label", "org.projectcalico.label.role=db");
    a.run("app", "blue", "--label", "org.projectcalico.label.role=app");
    a.run("other", "blue", "--label", "role=app");
    String db = a.address("db", "blue");
    Await.until("the application reaches its database", 10, () -> fetches("app", db));
    assertThat(a.pings("app", db)).as("only its port").isFalse();
    assertThat(fetches("other", db)).isFalse();
    assertThat(fetches("db", a.address("other", "blue"))).isTrue();
    remove(a, "db", "app", "other");
    Command.Outcome deleted = one.calicoctl("", "delete", "gnp", "database");
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
  }

  private boolean fetches(String container, String address) throws IOException {
    return a.docker(
            "exec",
            container,
            "busybox",
            "timeout",
            "1",
            "busybox",
            "wget",
            "-q",
            "-O-",
            "http://" + address + ":8080")
        .output()
        .contains("ok");
  }

  @Test
  void whatCannotBeServedIsRefusedWithTheRemedy() throws Exception {
    assertThat(creates("--subnet", "10.99.0.0/16"))
        .contains("must match the CIDR", "10.65.0.0/16", "calicoctl apply");
    assertThat(creates("--subnet", "10.66.0.0/16", "--gateway", "10.66.0.1"))
        .contains("--gateway", "169.254.1.1");
    assertThat(creates("--subnet", "10.66.0.0/16", "--ip-range", "10.66.1.0/24"))
        .contains("--ip-range");
    assertThat(creates("--internal")).contains("does not support the flag --internal");
    assertThat(creates("-o", "color=red")).contains("does not support the flag -o color");
    Command.Outcome mixed =
        a.docker("network", "create", "--driver", "calico", "--subnet", "10.66.0.0/16", "bad");
    assertThat(mixed.exitCode()).isNotZero();
    assertThat(mixed.output()).contains("Non-Calico IPAM driver", "--ipam-driver calico-ipam");
  }

  private String creates(String... options) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of("network", "create", "--driver", "calico", "--ipam-driver", "calico-ipam"));
    all.addAll(List.of(options));
    all.add("bad");
    Command.Outcome outcome = a.docker(all.toArray(String[]::new));
    assertThat(outcome.exitCode()).as(outcome.output()).isNotZero();
    return outcome.output();
  }

  @Test
  void containersAreRestartedAndKilled() throws Exception {
    a.run("web", "blue");
    a.run("client", "blue");
    String unusedKill =
        one.command("kill", "-9", a.must("inspect", "--format", "{{.State.Pid}}", "web")).mustRun();
    Await.until("Docker gives its address back", 10, () -> a.address("web", "blue").isEmpty());
    String unusedStart = a.must("start", "web");
    Await.until("it is started again", 10, () -> a.pings("client", a.address("web", "blue")));
    String unusedRestart = a.must("restart", "--time", "0", "web");
    Await.until("it is restarted", 10, () -> a.pings("client", a.address("web", "blue")));
    remove(a, "web", "client");
  }

  @Test
  void dockerdIsKilledInTheMiddle() throws Exception {
    b.run("web", "blue");
    a.run("client", "blue");
    String first = b.address("web", "blue");
    Await.until("it is reached", 20, () -> a.pings("client", first));
    String web = first;
    for (Moment moment : Moment.values()) {
      Process starting =
          b.begin(
              "run",
              "--detach",
              "--stop-signal=KILL",
              "--network",
              "red",
              DockerEngine.IMAGE,
              "sleep",
              "99");
      Await.until(moment + " is reached", 10, () -> !starting.isAlive() || happened(two, moment));
      b.kill();
      Await.killed(starting);
      assertThat(a.pings("client", web)).as("the container goes on after " + moment).isTrue();
      b.start();
      String unusedStart = b.must("start", "web");
      String again = b.address("web", "blue");
      Await.until("it is reached again", 20, () -> a.pings("client", again));
      web = again;
      b.removeAllBut("web");
      Await.until("what dockerd forgot is taken back", 20, () -> endpointsOf("two") == 1);
    }
    remove(b, "web");
    remove(a, "client");
  }

  @Test
  void theAgentIsKilledInTheMiddle() throws Exception {
    a.run("web", "blue");
    b.run("client", "blue");
    String web = a.address("web", "blue");
    Await.until("it is reached", 20, () -> b.pings("client", web));
    for (Moment moment : List.of(Moment.ADDRESS, Moment.PAIR)) {
      Process starting =
          a.begin(
              "run",
              "--detach",
              "--stop-signal=KILL",
              "--name",
              "next",
              "--network",
              "blue",
              DockerEngine.IMAGE,
              "sleep",
              "99");
      Await.until(moment + " is reached", 10, () -> !starting.isAlive() || happened(one, moment));
      one.killAgent();
      assertThat(b.pings("client", web)).as("the container goes on after " + moment).isTrue();
      one.startAgent();
      Await.until("docker run has ended", 60, () -> !starting.isAlive());
      if (starting.exitValue() == 0) {
        Await.until("it works", 10, () -> a.pings("web", a.address("next", "blue")));
      }
      assertThat(a.pings("web", b.address("client", "blue"))).isTrue();
      remove(a, "next");
      Await.until("nothing is left of it", 20, () -> endpointsOf("one") == 1);
    }
    one.killAgent();
    Process removing = a.begin("rm", "--force", "web");
    one.startAgent();
    Await.until("docker rm has ended", 60, () -> !removing.isAlive());
    remove(a, "web");
    remove(b, "client");
  }

  /** What has happened of a start, seen from outside. */
  private enum Moment {
    ADDRESS,
    ENDPOINT,
    PAIR
  }

  private boolean happened(TestHost host, Moment moment) throws IOException {
    return switch (moment) {
      case ADDRESS -> etcd.keys("/calico/ipam/v2/handle/libnetwork:" + host.name()).size() > 1;
      case ENDPOINT -> endpointsOf(host.name()) > 1;
      case PAIR -> host.namespace().ip("link").contains(": temp");
    };
  }

  private int endpointsOf(String node) throws IOException {
    return etcd.keys(
            "/calico/resources/v3/projectcalico.org/workloadendpoints/default/"
                + node
                + "-libnetwork-")
        .size();
  }
}
