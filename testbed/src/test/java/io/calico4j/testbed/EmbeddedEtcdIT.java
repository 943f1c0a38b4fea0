package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The etcd that calico-node runs itself: nobody but root reads or writes it, it takes over data
 * that an etcd without certificates wrote, and it outlives the agent.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EmbeddedEtcdIT {
  private static final String PLAIN = "http://127.0.0.1:2379";
  private static final String SECURE = "https://127.0.0.1:2379";
  private static final String OLD_CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"sealed\",\"type\":\"calico\",\"etcd_endpoints\":\""
          + PLAIN
          + "\"}";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private TestHost host;
  private Process plain;

  /** What an earlier version left: its etcd, without certificates, goes on after its agent. */
  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("sealed", 11, "64512");
    plain =
        new ProcessBuilder(
                host.namespace()
                    .enter(
                        List.of(
                            "etcd",
                            "--name=sealed",
                            "--data-dir=" + lib().resolve("etcd"),
                            "--listen-client-urls=" + PLAIN,
                            "--advertise-client-urls=" + PLAIN,
                            "--listen-peer-urls=http://127.0.0.1:2380",
                            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
                            "--initial-cluster=sealed=http://127.0.0.1:2380")))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("plain.log").toFile())
            .start();
    Await.until(
        "the plain etcd takes a write",
        30,
        () -> etcdctl(List.of(), List.of("--endpoints=" + PLAIN, "put", "/old", "kept")) == 0);
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    plain.destroyForcibly();
    testbed.close();
  }

  private Path lib() {
    return host.state().resolve("lib");
  }

  private Path pki(String file) {
    return lib().resolve("etcd-pki").resolve(file);
  }

  private Command.Outcome run(List<String> before, List<String> arguments) throws IOException {
    List<String> all = new ArrayList<>(before);
    all.addAll(arguments);
    return host.namespace().command(all.toArray(String[]::new)).run();
  }

  private int etcdctl(List<String> before, List<String> arguments) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of(
                "env", "ETCDCTL_API=3", "etcdctl", "--command-timeout=3s", "--dial-timeout=3s"));
    all.addAll(arguments);
    return run(before, all).exitCode();
  }

  private List<String> certificates() {
    return List.of(
        "--endpoints=" + SECURE,
        "--cacert=" + pki("ca.pem"),
        "--cert=" + pki("client.pem"),
        "--key=" + pki("client.key"));
  }

  private static List<String> and(List<String> some, String... more) {
    List<String> all = new ArrayList<>(some);
    all.addAll(List.of(more));
    return all;
  }

  private long pid(String name) throws IOException {
    return Long.parseLong(Files.readString(host.state().resolve("run/" + name)).strip());
  }

  private static boolean lives(long pid) {
    return ProcessHandle.of(pid).isPresent();
  }

  @Test
  @Order(1)
  void dataOfAnEtcdWithoutCertificatesIsTakenOver() throws Exception {
    assertThat(plain.isAlive()).as("the plain etcd runs").isFalse();
    Command.Outcome read =
        run(List.of("env", "ETCDCTL_API=3", "etcdctl"), and(certificates(), "get", "/old"));
    assertThat(read.standardOutput()).as(read.output()).isEqualTo("/old\nkept\n");
    Command.Outcome nodes = host.calicoctl("", "get", "nodes");
    assertThat(nodes.exitCode()).as(nodes.output()).isZero();
    assertThat(nodes.standardOutput()).contains("sealed");
  }

  @Test
  @Order(2)
  void nobodyElseReadsOrWrites() throws Exception {
    List<String> nobody =
        List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--");
    assertThat(run(nobody, List.of("id", "-u")).standardOutput()).isEqualTo("65534\n");
    assertThat(etcdctl(List.of(), and(certificates(), "put", "/mine", "yes"))).isZero();
    List<String> blind = List.of("--endpoints=" + SECURE, "--insecure-skip-tls-verify");
    for (List<String> who : List.of(List.<String>of(), nobody)) {
      assertThat(etcdctl(who, List.of("--endpoints=" + PLAIN, "get", "/mine"))).isNotZero();
      assertThat(etcdctl(who, and(blind, "get", "/mine"))).isNotZero();
      assertThat(etcdctl(who, and(blind, "put", "/mine", "no"))).isNotZero();
      for (String url : List.of(SECURE + "/version", "https://127.0.0.1:2380/members")) {
        Command.Outcome page = run(who, List.of("curl", "-sk", "-m", "5", url));
        assertThat(page.standardOutput()).as(url).isEmpty();
        assertThat(page.exitCode()).as(url).isNotZero();
      }
    }
    assertThat(etcdctl(nobody, and(certificates(), "get", "/mine"))).isNotZero();
    try (Stream<Path> files = Files.list(pki("."))) {
      for (Path file : files.toList()) {
        assertThat(run(nobody, List.of("cat", file.toString())).exitCode()).isNotZero();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .as(file.toString())
            .isEqualTo("rw-------");
      }
    }
  }

  @Test
  @Order(3)
  void etcdAndBirdOutliveTheAgentAndAreAdopted() throws Exception {
    long etcd = pid("etcd.pid");
    long bird = pid("bird.pid");
    int unused = host.stopAgent();
    assertThat(lives(etcd)).as("etcd after SIGTERM to the agent").isTrue();
    assertThat(lives(bird)).as("bird after SIGTERM to the agent").isTrue();

    // A configuration from before there were certificates, and no agent.
    Namespace sandbox = Namespace.create("sealed-pod");
    Command.Outcome added = host.cni("ADD", sandbox, Map.of(), OLD_CONFIGURATION);
    assertThat(added.exitCode()).as(added.output()).isZero();
    Command.Outcome deleted = host.cni("DEL", sandbox, Map.of(), OLD_CONFIGURATION);
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    sandbox.delete();

    host.startAgent();
    host.killAgent();
    host.startAgent();
    assertThat(pid("etcd.pid")).isEqualTo(etcd);
    assertThat(pid("bird.pid")).isEqualTo(bird);
    assertThat(lives(etcd)).isTrue();
  }

  @Test
  @Order(4)
  void anEtcdThatEndsIsStartedAgain() throws Exception {
    long etcd = pid("etcd.pid");
    Command.of("kill", "-9", Long.toString(etcd)).mustRun();
    Await.until("another etcd runs", 30, () -> pid("etcd.pid") != etcd && lives(pid("etcd.pid")));
    Await.until("the node is ready again", 60, host::isReady);
    Await.until(
        "it answers", 30, () -> etcdctl(List.of(), and(certificates(), "get", "/old")) == 0);
  }

  @Test
  @Order(5)
  void aNewAuthorityMakesEtcdStartAnew() throws Exception {
    long etcd = pid("etcd.pid");
    int unused = host.stopAgent();
    Files.delete(pki("ca.key"));
    host.startAgent();
    assertThat(pid("etcd.pid")).isNotEqualTo(etcd);
    assertThat(lives(etcd)).as("the etcd that knows the old authority").isFalse();
    Command.Outcome nodes = host.calicoctl("", "get", "nodes");
    assertThat(nodes.standardOutput()).as(nodes.output()).contains("sealed");
  }

  /** A megabyte at a time at the same key, compacted: nearly all of the file is holes then. */
  @Test
  @Order(6)
  void itsFileIsWrittenAnewWhenItIsMostlyHoles() throws Exception {
    int megabytes = 80;
    Path value = Files.writeString(state.resolve("megabyte"), "x".repeat(1 << 20));
    String etcdctl = "ETCDCTL_API=3 etcdctl " + String.join(" ", certificates());
    host.namespace()
        .command(
            "sh",
            "-ec",
            "for i in $(seq "
                + megabytes
                + "); do "
                + etcdctl
                + " put /large <"
                + value
                + "; done\n"
                + etcdctl
                + " compact --physical $("
                + etcdctl
                + " get /large -w fields | sed -n 's/\"Revision\" : //p')")
        .mustRun();
    // What is free counts as such from the second write on.
    assertThat(etcdctl(List.of(), and(certificates(), "put", "/old", "kept"))).isZero();
    assertThat(etcdctl(List.of(), and(certificates(), "put", "/old", "kept"))).isZero();
    Path file = lib().resolve("etcd/member/snap/db");
    assertThat(Files.size(file)).isGreaterThan((long) megabytes << 20);
    int unused = host.stopAgent();
    host.startAgent();
    Await.until("it is small again", 30, () -> Files.size(file) < 16L << 20);
    assertThat(etcdctl(List.of(), and(certificates(), "get", "/old"))).isZero();
  }
}
