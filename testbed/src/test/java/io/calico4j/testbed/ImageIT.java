package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The image calico/node: what is in it, and two hosts that run it, one by Docker and one by podman,
 * with the capabilities that {@code calicoctl node run} gives it and no others. Plugins run outside
 * of it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageIT {
  private static final long MAX_BYTES = 150_000_000;

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost docker;
  private TestHost podman;
  private Process dockerd;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    docker = testbed.addHost("docker", 11, "64512");
    podman = testbed.addHost("podman", 12, "64512");
    Path engine = Files.createDirectories(Path.of("/run/docker-of-image-it"));
    docker.set("DOCKER_HOST", "unix://" + engine.resolve("docker.sock"));
    dockerd =
        new ProcessBuilder(
                docker.enter(
                    List.of(
                        "dockerd",
                        "--data-root=" + engine.resolve("data"),
                        "--exec-root=" + engine.resolve("exec"),
                        "--pidfile=" + engine.resolve("pid"),
                        "--host=unix://" + engine.resolve("docker.sock"),
                        "--storage-driver=vfs",
                        "--exec-opt=native.cgroupdriver=cgroupfs",
                        "--iptables=false",
                        "--bridge=none")))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("dockerd.log").toFile())
            .start();
    Await.until("dockerd answers", 30, () -> engine(docker, "docker", "version").exitCode() == 0);
    Path storage = Files.createDirectories(Path.of("/run/podman-of-image-it"));
    Files.writeString(
        state.resolve("storage.conf"),
        """
        [storage]
        driver = "vfs"
        graphroot = "%s/data"
        runroot = "%s/run"
        """
            .formatted(storage, storage));
    Files.writeString(
        state.resolve("containers.conf"),
        """
        [containers]
        default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        runtime = "runc"
        """);
    podman.set("CONTAINERS_CONF", state.resolve("containers.conf").toString());
    podman.set("CONTAINERS_STORAGE_CONF", state.resolve("storage.conf").toString());
    podman.set("TMPDIR", storage.toString());
    String archive = Installed.packaged(".oci.tar").toString();
    must(engine(docker, "docker", "load", "--input", archive));
    must(engine(podman, "podman", "load", "--input", archive));
  }

  @AfterAll
  void stop() throws Exception {
    try {
      must(engine(docker, "docker", "rm", "--force", "calico-node"));
      must(engine(podman, "podman", "rm", "--force", "--time", "0", "calico-node"));
    } finally {
      dockerd.destroy();
      Await.until("dockerd has ended", 30, () -> !dockerd.isAlive());
      testbed.close();
    }
  }

  private static Command.Outcome engine(TestHost host, String... arguments) throws IOException {
    return host.withSettings("", List.of(arguments)).run();
  }

  private static String must(Command.Outcome outcome) {
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.standardOutput().strip();
  }

  private void run(TestHost host, String engine) throws IOException {
    Command.Outcome started =
        host.calicoctl(
            "",
            "node",
            "run",
            "--engine",
            engine,
            "--name",
            host.name(),
            "--ip",
            host.address() + "/24");
    assertThat(must(started)).endsWith("Calico node started successfully");
    Await.until(host.name() + " is ready", 60, host::isReady);
  }

  @Test
  void workloadsOfTwoHostsReachEachOtherAsPolicySays() throws Exception {
    run(docker, "docker");
    run(podman, "podman");
    assertThat(must(engine(docker, "docker", "exec", "calico-node", "calico-node", "--check")))
        .contains("capabilities")
        .doesNotContain("missing");
    Workload one = docker.start("one", Orchestrator.RKT, "calico", Map.of());
    Workload two = podman.start("two", Orchestrator.MESOS, "calico", Map.of());
    Workload stranger = podman.start("stranger", Orchestrator.RKT, "elsewhere", Map.of());
    Await.until("one's host has a route to two", 60, () -> pings(one, two));
    assertThat(pings(stranger, one)).isFalse();
    assertThat(must(engine(podman, "podman", "exec", "calico-node", "calicoctl", "node", "status")))
        .contains("Calico process is running", docker.address(), "Established");

    Process traffic =
        new ProcessBuilder(
                one.sandbox()
                    .enter(List.of("busybox", "ping", "-i", "0.1", "-w", "20", two.address())))
            .start();
    must(engine(docker, "docker", "restart", "--time", "10", "calico-node"));
    Await.until("it is ready again", 60, docker::isReady);
    Workload later = docker.start("later", Orchestrator.RKT, "calico", Map.of());
    Await.until("a new workload is reached", 60, () -> pings(two, later));
    assertThat(new String(traffic.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .as("no packet is lost while calico-node's container is started again")
        .contains(" 0% packet loss");

    for (Workload workload : List.of(one, later)) {
      docker.delete(workload);
    }
    for (Workload workload : List.of(two, stranger)) {
      podman.delete(workload);
    }
    docker.mustBeClean();
    podman.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private static boolean pings(Workload from, Workload to) throws IOException {
    return PacketProbe.ping(from.sandbox(), to.address());
  }

  @Test
  void itIsSmallAndNothingInItTellsWhenAndByWhomItWasBuilt() throws Exception {
    Path archive = Installed.packaged(".oci.tar");
    assertThat(Files.size(archive)).isLessThan(MAX_BYTES);
    Path unpacked = Files.createDirectories(state.resolve("unpacked"));
    Command.of("tar", "-C", unpacked.toString(), "-xf", archive.toString()).mustRun();
    JsonObject index = json(unpacked.resolve("index.json"));
    JsonObject manifest =
        json(blob(unpacked, index.getAsJsonArray("manifests").get(0).getAsJsonObject()));
    List<String> files = new ArrayList<>(listed(archive));
    for (JsonElement layer : manifest.getAsJsonArray("layers")) {
      files.addAll(listed(blob(unpacked, layer.getAsJsonObject())));
    }
    files.addAll(listed(Installed.packaged(".aci")));
    String date = files.get(0).split(" +", -1)[3];
    assertThat(files)
        .allSatisfy(
            line -> {
              String[] fields = line.split(" +", -1);
              assertThat(fields[1]).as("owner of %s", line).isEqualTo("0/0");
              assertThat(fields[3]).as("date of %s", line).isEqualTo(date);
              assertThat(fields[0]).as("set-user-id of %s", line).doesNotContain("s");
            })
        .anyMatch(line -> line.endsWith(" ./opt/calico/bin/calico-node"))
        .anyMatch(line -> line.endsWith(" ./manifest"))
        .anyMatch(line -> line.endsWith(" ./rootfs/usr/sbin/bird"));
  }

  private static List<String> listed(Path archive) throws IOException {
    return Command.of("tar", "--numeric-owner", "--utc", "-tvf", archive.toString())
        .mustRun()
        .lines()
        .toList();
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private static Path blob(Path layout, JsonObject descriptor) {
    return layout
        .resolve("blobs")
        .resolve(descriptor.get("digest").getAsString().replace(':', '/'));
  }

  @Test
  void theBillOfMaterialsNamesDebiansPackagesAndTheJars() throws Exception {
    JsonObject bill = json(Installed.packaged(".cdx.json"));
    assertThat(bill.get("bomFormat").getAsString()).isEqualTo("CycloneDX");
    List<String> names =
        StreamSupport.stream(bill.getAsJsonArray("components").spliterator(), false)
            .map(component -> component.getAsJsonObject().get("bom-ref").getAsString())
            .map(reference -> reference.substring(0, reference.lastIndexOf('@')))
            .toList();
    assertThat(names)
        .contains(
            "pkg:deb/debian/bird2",
            "pkg:deb/debian/etcd-server",
            "pkg:maven/com.google.code.gson/gson",
            "pkg:maven/io.grpc/grpc-netty",
            "pkg:maven/io.calico4j/felix");
  }
}
