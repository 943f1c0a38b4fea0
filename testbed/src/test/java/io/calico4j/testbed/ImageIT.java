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
  private DockerEngine engine;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    docker = testbed.addHost("docker", 11, "64512");
    podman = testbed.addHost("podman", 12, "64512");
    engine = new DockerEngine(docker);
    engine.start();
    engine.importImage();
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
    String loaded = engine.must("load", "--input", archive);
    assertThat(loaded).contains("calico/node:");
    must(podman("load", "--input", archive));
  }

  @AfterAll
  void stop() throws Exception {
    try {
      must(podman("rm", "--force", "--time", "0", "calico-node"));
    } finally {
      engine.close();
      testbed.close();
    }
  }

  private Command.Outcome podman(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("podman"));
    all.addAll(List.of(arguments));
    return podman.withSettings("", all).run();
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
    assertThat(engine.must("exec", "calico-node", "calico-node", "--check"))
        .contains("capabilities")
        .doesNotContain("missing");
    Command.Outcome missing =
        docker.calicoctl("", "node", "run", "--node-image", "127.0.0.1:1/calico/node:none");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.standardError()).contains("calico/node:none is not on this host");
    assertThat(docker.isReady()).as("the calico-node that runs is left alone").isTrue();
    Workload one = docker.start("one", Orchestrator.RKT, "calico", Map.of());
    Workload two = podman.start("two", Orchestrator.MESOS, "calico", Map.of());
    Workload stranger = podman.start("stranger", Orchestrator.RKT, "elsewhere", Map.of());
    Await.until("one's host has a route to two", 60, () -> pings(one, two));
    assertThat(pings(stranger, one)).isFalse();
    assertThat(must(podman("exec", "calico-node", "calicoctl", "node", "status")))
        .contains("Calico process is running", docker.address(), "Established");

    Process traffic =
        new ProcessBuilder(
                one.sandbox()
                    .enter(List.of("busybox", "ping", "-i", "0.1", "-w", "20", two.address())))
            .start();
    String restarted = engine.must("restart", "-t", "10", "calico-node");
    assertThat(restarted).endsWith("calico-node");
    Await.until("it is ready again", 60, docker::isReady);
    Workload later = docker.start("later", Orchestrator.RKT, "calico", Map.of());
    Await.until("a new workload is reached", 60, () -> pings(two, later));
    assertThat(new String(traffic.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .as("no packet is lost while calico-node's container is started again")
        .contains(" 0% packet loss");

    String network =
        engine.must(
            "network", "create", "--driver", "calico", "--ipam-driver", "calico-ipam", "calico");
    assertThat(network).isNotEmpty();
    engine.run("contained", "calico");
    String address = engine.address("contained", "calico");
    Await.until(
        "a container of Docker's is reached by another orchestrator's of the same network",
        60,
        () -> PacketProbe.ping(two.sandbox(), address));
    engine.removeAllBut("calico-node");
    assertThat(engine.must("network", "rm", "calico")).isEqualTo("calico");
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
