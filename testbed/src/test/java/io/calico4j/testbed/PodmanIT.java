package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Debian's podman with its CNI backend, the installed plugin, and a real calico-node. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PodmanIT {
  private static final String IMAGE = "localhost/busybox:1";
  private static final String NETWORK =
      """
      {"cniVersion": "0.4.0", "name": "%s",
       "plugins": [{"type": "calico", "ipam": {"type": "calico-ipam"}}]}
      """;
  private static final String SETTINGS =
      """
      [containers]
      default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
      [network]
      network_backend = "cni"
      cni_plugin_dirs = ["/opt/cni/bin"]
      network_config_dir = "/etc/cni/net.d"
      [engine]
      cgroup_manager = "cgroupfs"
      events_logger = "file"
      """;

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private EngineSpace space;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("podman", 11, "64512");
    host.startAgent();
    space = new EngineSpace(host, List.of(NETWORK.formatted("apps"), NETWORK.formatted("others")));
    Files.writeString(state.resolve("containers.conf"), SETTINGS);
    Path archive = BusyboxImage.write(state.resolve("image"), IMAGE, List.of("sleep", "1000"));
    podman("load", "-i", archive.toString());
  }

  @AfterAll
  void stop() throws Exception {
    try {
      podman("rm", "--all", "--force", "--time", "0");
    } finally {
      space.close();
      testbed.close();
    }
  }

  private Command.Outcome tryPodman(String... arguments) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of(
                "env",
                "CONTAINERS_CONF=" + state.resolve("containers.conf"),
                "HOME=" + space.directory(),
                "TMPDIR=" + space.directory(),
                "podman",
                "--root=" + space.directory().resolve("storage"),
                "--runroot=/run/podman-it",
                "--storage-driver=vfs",
                "--runtime=crun"));
    all.addAll(List.of(arguments));
    return space.command(all.toArray(String[]::new)).run();
  }

  private String podman(String... arguments) throws IOException {
    Command.Outcome outcome = tryPodman(arguments);
    assertThat(outcome.exitCode()).as("%s: %s", List.of(arguments), outcome.output()).isZero();
    return outcome.standardOutput().strip();
  }

  private void run(String name, String network, String... options) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of("run", "--detach", "--cgroups=disabled", "--name", name, "--network", network));
    all.addAll(List.of(options));
    all.add(IMAGE);
    podman(all.toArray(String[]::new));
  }

  private String address(String name) throws IOException {
    String address =
        podman(
            "inspect",
            "--format",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            name);
    assertThat(address).as(name).startsWith("10.65.");
    return address;
  }

  private boolean pings(String from, String address) throws IOException {
    return tryPodman("exec", from, "ping", "-c", "1", "-W", "1", address).exitCode() == 0;
  }

  private void calicoctl(String input, String... arguments) throws IOException {
    Command.Outcome outcome = host.calicoctl(input, arguments);
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
  }

  @Test
  void containersReachTheirNetworkAsPolicySays() throws Exception {
    run("web", "apps");
    run("client", "apps");
    run("stranger", "others");
    String web = address("web");

    assertThat(podman("exec", "web", "ip", "-o", "-4", "address", "show", "dev", "eth0"))
        .contains(web + "/32");
    assertThat(pings("client", web)).isTrue();
    assertThat(pings("web", address("client"))).isTrue();
    assertThat(pings("stranger", web)).as("another network").isFalse();
    assertThat(pings("web", address("stranger"))).as("another network").isFalse();

    calicoctl(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: web}
        spec:
          selector: all()
          types: [Ingress]
          ingress:
          - action: Deny
            source: {nets: ["%s/32"]}
            destination: {nets: ["%s/32"]}
          - action: Allow
        """
            .formatted(address("client"), web),
        "apply",
        "-f",
        "-");
    Await.until("the client is denied", 15, () -> !pings("client", web));
    assertThat(pings("stranger", web)).as("the policy lets it").isTrue();
    calicoctl("", "delete", "gnp", "web");
    Await.until("the client may again", 15, () -> pings("client", web));
    assertThat(pings("stranger", web)).isFalse();

    podman("rm", "--force", "--time", "0", "web", "client", "stranger");
    assertNothingLeft();
  }

  private void assertNothingLeft() throws IOException {
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  @Test
  void aContainerMayAskForAnAddressStopAndStartAgain() throws Exception {
    run("fixed", "apps", "--ip", "10.65.200.7");
    assertThat(address("fixed")).isEqualTo("10.65.200.7");
    Command.Outcome second =
        tryPodman(
            "run", "--rm", "--cgroups=disabled", "--network", "apps", "--ip", "10.65.200.7", IMAGE);
    assertThat(second.exitCode()).isNotZero();
    assertThat(second.standardError()).contains("10.65.200.7");

    podman("stop", "--time", "0", "fixed");
    assertNothingLeft();
    podman("start", "fixed");
    assertThat(address("fixed")).isEqualTo("10.65.200.7");
    assertThat(PacketProbe.ping(host.namespace(), "10.65.200.7")).isTrue();
    podman("rm", "--force", "--time", "0", "fixed");

    run("passing", "apps", "--rm");
    assertThat(podman("exec", "passing", "ip", "route"))
        .contains("default via 169.254.1.1 dev eth0");
    podman("stop", "--time", "0", "passing");
    Await.until("podman has removed it", 30, () -> podman("ps", "--all", "--quiet").isEmpty());
    assertNothingLeft();
  }

  @Test
  void whatAContainerGetsIsTakenBackThoughTheAgentWasAwayMeanwhile() throws Exception {
    run("survivor", "apps");
    run("peer", "apps");
    String address = address("survivor");
    host.killAgent();
    assertThat(pings("peer", address)).isTrue();
    host.startAgent();
    assertThat(pings("peer", address)).isTrue();
    podman("rm", "--force", "--time", "0", "survivor", "peer");
    assertNothingLeft();
  }
}
