package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import io.calico4j.testbed.cri.PodSandboxState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Debian's containerd, through CRI as a kubelet speaks it and through ctr, with a real agent. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerdIT {
  private static final String IMAGE = "localhost/pause:1";
  private static final String NETWORK =
      """
      {"cniVersion": "1.0.0", "name": "pods",
       "plugins": [{"type": "calico", "ipam": {"type": "calico-ipam"}}]}
      """;
  private static final String SETTINGS =
      """
      version = 2
      root = "%1$s/root"
      state = "%1$s/state"
      [grpc]
        address = "%1$s/sock"
      [plugins."io.containerd.grpc.v1.cri"]
        sandbox_image = "localhost/pause:1"
        disable_apparmor = true
        disable_cgroup = true
        restrict_oom_score_adj = true
        [plugins."io.containerd.grpc.v1.cri".containerd]
          snapshotter = "native"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "io.containerd.runc.v2"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
              BinaryName = "%1$s/crun"
      """;

  private final Path state = Installed.freshState(getClass());
  private final Path own = Path.of("/run/containerd-it");

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private EngineSpace space;
  private CriClient cri;
  private Process containerd;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("containerd", 11, "64512");
    host.startAgent();
    space = new EngineSpace(host, List.of(NETWORK));
    Files.createDirectories(own);
    Files.writeString(own.resolve("config.toml"), SETTINGS.formatted(own));
    Path crun = own.resolve("crun");
    Files.writeString(crun, "#!/bin/sh\nexec crun --cgroup-manager=disabled \"$@\"\n");
    assertThat(crun.toFile().setExecutable(true)).isTrue();
    cri = new CriClient(own.resolve("sock"));
    startContainerd();
    Path archive =
        BusyboxImage.write(state.resolve("image"), IMAGE, List.of("/bin/sleep", "100000"));
    for (String namespace : List.of("k8s.io", "default")) {
      ctr("--namespace", namespace, "images", "import", "--snapshotter=native", archive.toString());
    }
  }

  private void startContainerd() throws IOException {
    containerd =
        space.start("containerd", "containerd", "--config", own.resolve("config.toml").toString());
    Await.until("containerd is ready, see containerd.log", 20, () -> cri.isReady());
  }

  @AfterAll
  void stop() throws Exception {
    try {
      cri.list()
          .forEach(
              sandbox -> {
                cri.stop(sandbox.getId());
                cri.remove(sandbox.getId());
              });
    } finally {
      cri.close();
      space.close();
      testbed.close();
    }
  }

  private String[] ctrCommand(String... arguments) {
    List<String> all = new ArrayList<>(List.of("ctr", "--address=" + own.resolve("sock")));
    all.addAll(List.of(arguments));
    return all.toArray(String[]::new);
  }

  private String ctr(String... arguments) throws IOException {
    return space.command(ctrCommand(arguments)).mustRun();
  }

  private String address(String sandbox) {
    String address = cri.status(sandbox).getStatus().getNetwork().getIp();
    assertThat(address).startsWith("10.65.");
    return address;
  }

  private boolean pings(String sandbox, String address) throws IOException {
    String details = cri.status(sandbox).getInfoOrThrow("info");
    int pid = JsonParser.parseString(details).getAsJsonObject().get("pid").getAsInt();
    return pings(pid, address);
  }

  private static boolean pings(long pid, String address) throws IOException {
    return Command.of(
                "nsenter",
                "--net=/proc/" + pid + "/ns/net",
                "busybox",
                "ping",
                "-c",
                "1",
                "-W",
                "1",
                address)
            .run()
            .exitCode()
        == 0;
  }

  private void assertNothingLeft() throws IOException {
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private void deny(String from, String to) throws IOException {
    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: deny}
            spec:
              selector: all()
              types: [Ingress]
              ingress:
              - action: Deny
                source: {nets: ["%s/32"]}
                destination: {nets: ["%s/32"]}
              - action: Allow
            """
                .formatted(from, to),
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private void allowAgain() throws IOException {
    assertThat(host.calicoctl("", "delete", "gnp", "deny").exitCode()).isZero();
  }

  @Test
  void podSandboxesReachEachOtherAsPolicySaysAndOutliveContainerd() throws Exception {
    String web = cri.run("web");
    String client = cri.run("client");
    assertThat(pings(client, address(web))).isTrue();
    assertThat(pings(web, address(client))).isTrue();
    deny(address(client), address(web));
    Await.until("the client is denied", 15, () -> !pings(client, address(web)));
    assertThat(pings(web, address(client))).isTrue();

    String before = address(web);
    Await.killed(containerd);
    startContainerd();
    assertThat(cri.list())
        .hasSize(2)
        .allMatch(sandbox -> sandbox.getState() == PodSandboxState.SANDBOX_READY);
    assertThat(address(web)).isEqualTo(before);
    assertThat(pings(client, before)).isFalse();
    allowAgain();
    Await.until("the client may again", 15, () -> pings(client, before));

    for (String sandbox : List.of(web, client)) {
      cri.stop(sandbox);
      cri.stop(sandbox);
      assertThat(cri.status(sandbox).getStatus().getState())
          .isEqualTo(PodSandboxState.SANDBOX_NOTREADY);
    }
    assertNothingLeft();
    cri.remove(web);
    cri.remove(client);
    assertThat(cri.list()).isEmpty();
  }

  @Test
  void aSandboxThatIsRunAgainGetsAFreshNetworkAndRemovalAloneTakesItBack() throws Exception {
    String first = cri.run("again");
    String address = address(first);
    assertThat(PacketProbe.ping(host.namespace(), address)).isTrue();
    cri.stop(first);
    cri.remove(first);
    assertNothingLeft();
    String second = cri.run("again");
    assertThat(PacketProbe.ping(host.namespace(), address(second))).isTrue();
    assertThat(etcd.keys("/calico/ipam/v2/handle/")).hasSize(1);
    cri.remove(second);
    assertNothingLeft();
  }

  @Test
  void ctrRunsAContainerWithANetwork() throws Exception {
    String pod = cri.run("neighbour");
    Process ctr =
        space.start(
            "ctr",
            ctrCommand(
                "run",
                "--rm",
                "--cni",
                "--snapshotter=native",
                "--runc-binary=" + own.resolve("crun"),
                IMAGE,
                "single"));
    Await.until(
        "the container runs, see ctr.log",
        15,
        () -> {
          if (!ctr.isAlive()) {
            throw new IOException(Files.readString(host.state().resolve("ctr.log")));
          }
          return ctr("tasks", "list").contains("RUNNING");
        });
    Await.until("it has a route", 10, () -> host.workloadRoutes().size() == 2);
    String single =
        host.workloadRoutes().stream()
            .map(route -> route.substring(0, route.indexOf(' ')))
            .filter(address -> !address.equals(address(pod)))
            .findFirst()
            .orElseThrow();
    assertThat(pings(pod, single)).isTrue();
    deny(address(pod), single);
    Await.until("the pod is denied", 15, () -> !pings(pod, single));
    allowAgain();

    ctr("tasks", "kill", "--signal", "SIGKILL", "single");
    assertThat(ctr.waitFor(120, TimeUnit.SECONDS)).isTrue();
    Await.until("one endpoint is left", 10, () -> host.workloadRoutes().size() == 1);
    cri.stop(pod);
    cri.remove(pod);
    assertNothingLeft();
  }
}
