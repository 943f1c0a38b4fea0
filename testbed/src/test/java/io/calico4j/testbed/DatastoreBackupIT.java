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
 * Backup of a host's own etcd, its restoration, and the move to a cluster of three, while packets
 * go between two workloads all the time: none is lost, and endpoints and addresses stay theirs.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DatastoreBackupIT {
  private static final int PACKETS_PER_SECOND = 200;
  private static final List<String> PREFIXES =
      List.of("/calico/resources/v3/projectcalico.org/workloadendpoints/", "/calico/ipam/v2/");

  private final Path state = Installed.freshState(getClass());
  private final Path backup = state.resolve("backup");

  private Testbed testbed;
  private TestHost host;
  private Workload first;
  private Workload second;
  private PacketStreams streams;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("saved", 11, "64512");
    host.startAgent();
    first = host.start("first", Orchestrator.MESOS, "front", Map.of());
    second = host.start("second", Orchestrator.RKT, "front", Map.of());
    streams = new PacketStreams(first, second, PACKETS_PER_SECOND);
  }

  @AfterAll
  void stop() throws Exception {
    streams.close();
    testbed.close();
  }

  /** What the datastore says of workloads and addresses. */
  private String stored() throws IOException {
    StringBuilder stored = new StringBuilder();
    for (String prefix : PREFIXES) {
      stored.append(host.etcdctl("get", "--prefix", prefix));
    }
    assertThat(stored).contains(first.address(), second.address());
    return stored.toString();
  }

  private String run(String... arguments) throws IOException {
    Command.Outcome outcome = host.calicoctl("", arguments);
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.standardOutput();
  }

  private void refused(String why, String... arguments) throws IOException {
    Command.Outcome outcome = host.calicoctl("", arguments);
    assertThat(outcome.output()).contains(why);
    assertThat(outcome.exitCode()).isEqualTo(1);
  }

  private void endEtcd() throws IOException {
    Path file = host.state().resolve("run/etcd.pid");
    long pid = Long.parseLong(Files.readString(file).strip());
    Command.of("kill", Long.toString(pid)).mustRun();
    Await.until("etcd ends", 10, () -> ProcessHandle.of(pid).isEmpty());
  }

  /** Tells whether the etcd in use has a key that was written after the backup. */
  private boolean hasLater() throws IOException {
    return !host.etcdctl("get", "/later").isBlank();
  }

  @Test
  @Order(1)
  void whatWasSavedIsRestoredAndPacketsGoOn() throws Exception {
    String before = stored();
    assertThat(run("datastore", "backup", backup.toString())).contains("verified");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(backup)))
        .isEqualTo("rw-------");
    assertThat(Command.of("etcdctl", "snapshot", "status", backup.toString()).run().exitCode())
        .isZero();
    String unused = host.etcdctl("put", "/later", "than the backup");

    String file = backup.toString();
    refused("calico-node runs on this host", "datastore", "restore", "--force", file);
    int unusedStatus = host.stopAgent();
    refused("an etcd runs on", "datastore", "restore", "--force", file);
    endEtcd();
    refused("--force", "datastore", "restore", file);
    byte[] bytes = Files.readAllBytes(backup);
    bytes[bytes.length / 2] ^= 1;
    Path damaged = Files.write(state.resolve("damaged"), bytes);
    refused("is damaged", "datastore", "restore", "--force", damaged.toString());

    Path left = Files.createDirectories(host.state().resolve("lib/etcd.restored"));
    Files.writeString(left.resolve("of-one-that-was-killed"), "kept");
    String restored = run("datastore", "restore", "--force", file);
    String former = restored.replaceAll("(?s)what was there is in (\\S+).*", "$1");
    assertThat(Path.of(former, "member/snap/db")).exists();
    try (Stream<Path> kept = Files.list(host.state().resolve("lib"))) {
      assertThat(kept.map(d -> d.resolve("of-one-that-was-killed")).filter(Files::exists))
          .hasSize(1);
    }
    host.startAgent();
    assertThat(hasLater()).as("what was written after the backup").isFalse();
    assertThat(stored()).isEqualTo(before);
    assertThat(streams.lost()).as("packets").isEmpty();

    Workload third = host.start("third", Orchestrator.RKT, "front", Map.of());
    assertThat(third.address()).isNotIn(first.address(), second.address());
    assertThat(PacketProbe.ping(first.sandbox(), third.address())).isTrue();
    host.delete(third);
  }

  @Test
  @Order(2)
  void itIsRestoredWhereThereIsNothing() throws Exception {
    String before = stored();
    String unused = run("datastore", "backup", backup.toString());
    int unusedStatus = host.stopAgent();
    endEtcd();
    Path data = host.state().resolve("lib/etcd");
    Command.of("rm", "-r", data.toString()).mustRun();
    assertThat(run("datastore", "restore", backup.toString())).doesNotContain("what was there");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data)))
        .isEqualTo("rwx------");
    host.startAgent();
    assertThat(stored()).isEqualTo(before);
    assertThat(streams.lost()).as("packets").isEmpty();
  }

  /** The steps of node-image's README, "From an etcd of its own to a cluster". */
  @Test
  @Order(3)
  void aClusterOfThreeTakesItOver() throws Exception {
    String before = stored();
    int unusedStatus = host.stopAgent();
    String unused = run("datastore", "backup", backup.toString());
    endEtcd();
    List<EtcdProcess> members = testbed.addEtcdMembers(3);
    for (EtcdProcess member : members) {
      List<String> restore =
          new ArrayList<>(
              List.of(
                  "env",
                  "ETCDCTL_API=3",
                  "etcdctl",
                  "snapshot",
                  "restore",
                  backup.toString(),
                  "--data-dir=" + member.dataDirectory()));
      restore.addAll(
          member.serverOptions().stream().filter(o -> !o.startsWith("--listen")).toList());
      String unusedText = Command.of(restore.toArray(String[]::new)).mustRun();
      member.begin();
    }
    for (EtcdProcess member : members) {
      member.awaitAnswer();
    }
    String endpoints = String.join(",", members.stream().map(EtcdProcess::url).toList());
    host.set("ETCD_ENDPOINTS", endpoints);
    host.startAgent();
    StringBuilder after = new StringBuilder();
    for (String prefix : PREFIXES) {
      after.append(members.get(2).ctl("get", "--prefix", prefix));
    }
    assertThat(after).asString().isEqualTo(before);
    assertThat(streams.lost()).as("packets").isEmpty();

    members.get(0).kill();
    TestHost other = testbed.addHost("joined", 12, "64512");
    other.startAgent();
    Workload there = other.start("there", Orchestrator.RKT, "front", Map.of());
    Await.until(
        "a workload of a host that has joined is reached",
        20,
        () -> PacketProbe.ping(first.sandbox(), there.address()));
    assertThat(run("ipam", "check")).contains("no problem found");
    String cluster = state.resolve("cluster-backup").toString();
    assertThat(run("datastore", "backup", cluster)).contains("verified");
    assertThat(streams.lost()).as("packets").isEmpty();
  }
}
