package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Two hosts on three members of etcd, each of which fails in its own way while containers are
 * attached and detached on both hosts: every request succeeds, what was acknowledged is stored by
 * all members in the end, no address is given twice, and packets between the hosts and the policy
 * for them go on as if nothing were.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EtcdMembersIT {
  private static final String FORBIDDEN_PORT =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: forbidden-port}
      spec:
        order: 1
        types: [Ingress]
        ingress:
        - {action: Deny, protocol: UDP, destination: {ports: [7000]}}
        - {action: Allow}
      """;

  private static final int PACKETS_PER_SECOND = 400;

  /** Requests of each host that must succeed while a member is away. */
  private static final int REQUESTS = 8;

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private List<EtcdProcess> members;
  private final List<Attacher> attachers = new ArrayList<>();
  private PacketStreams streams;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    members = testbed.addEtcdMembers(3);
    for (EtcdProcess member : members) {
      member.begin();
    }
    for (EtcdProcess member : members) {
      member.awaitAnswer();
    }
    TestHost near = testbed.addHost("near", 11, "64512");
    TestHost other = testbed.addHost("other", 12, "64512");
    near.startAgent();
    other.startAgent();
    Command.Outcome applied = near.calicoctl(FORBIDDEN_PORT, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    Workload from = near.start("from", Orchestrator.RKT, "front", Map.of());
    Workload to = other.start("to", Orchestrator.RKT, "front", Map.of());
    Await.until(
        "the hosts have each other's routes",
        20,
        () -> PacketProbe.ping(from.sandbox(), to.address()));
    streams = new PacketStreams(from, to, PACKETS_PER_SECOND);
    AddressOwnership owners = new AddressOwnership();
    owners.take(from.address(), "from");
    owners.take(to.address(), "to");
    for (TestHost host : testbed.hosts()) {
      attachers.add(new Attacher(host, owners));
    }
  }

  @AfterAll
  void stop() throws Exception {
    for (Attacher attacher : attachers) {
      attacher.close();
    }
    streams.close();
    testbed.close();
  }

  private interface Action {
    void run() throws IOException;
  }

  private void goesOn(String what, Action failure, Action recovery) throws Exception {
    failure.run();
    try {
      for (Attacher attacher : attachers) {
        attacher.awaitRequests(what, REQUESTS);
      }
    } finally {
      recovery.run();
    }
    for (EtcdProcess member : members) {
      member.awaitAnswer();
    }
    assertThat(streams.lost()).as("packets, when %s", what).isEmpty();
    assertThat(streams.leaked()).as("forbidden packets, when %s", what).isEmpty();
  }

  @Test
  void nothingIsLostWhenAMemberIsKilledOrCutOff() throws Exception {
    EtcdProcess first = members.get(0);
    goesOn("a member is killed", first::kill, first::begin);
    Namespace second = members.get(1).namespace();
    goesOn(
        "a member is cut off from the others, but not from the hosts",
        () -> cutPeers(second),
        () -> second.command("nft", "delete table inet cut").mustRun());
    String port = members.get(2).namespace().name();
    goesOn(
        "a member is cut off from all",
        () -> testbed.fabric().ip("link", "set", port, "down"),
        () -> testbed.fabric().ip("link", "set", port, "up"));

    List<String> attached = new ArrayList<>();
    for (Attacher attacher : attachers) {
      attached.addAll(attacher.end());
    }
    for (EtcdProcess member : members) {
      Await.until(
          member.url() + " has all that was acknowledged, and no more",
          20,
          () -> stored(member).equals(attached.stream().sorted().toList()));
    }
    for (TestHost host : testbed.hosts()) {
      assertThat(Files.readAllLines(host.state().resolve("node.log")).stream())
          .filteredOn(line -> line.contains(" is used now, instead of "))
          .extracting(line -> line.substring(line.indexOf(" - ")))
          .as("changes to another member, each logged once")
          .isNotEmpty()
          .doesNotHaveDuplicates();
    }
    Command.Outcome check = testbed.hosts().get(0).calicoctl("", "ipam", "check");
    assertThat(check.exitCode()).as(check.output()).isZero();
  }

  private static void cutPeers(Namespace member) throws IOException {
    String unused = member.command("nft", "add table inet cut").mustRun();
    for (String direction : List.of("input", "output")) {
      String unusedChain =
          member
              .command(
                  "nft",
                  "add chain inet cut "
                      + direction
                      + " { type filter hook "
                      + direction
                      + " priority 0; tcp dport 2380 drop; tcp sport 2380 drop; }")
              .mustRun();
    }
  }

  /** Returns the containers of endpoints that a member itself has, without asking the others. */
  private static List<String> stored(EtcdProcess member) throws IOException {
    String prefix = "/calico/resources/v3/projectcalico.org/workloadendpoints/";
    return member
        .ctl("get", "--prefix", "--print-value-only", "--consistency=s", prefix)
        .lines()
        .filter(line -> !line.isBlank())
        .map(Attacher::container)
        .filter(Attacher::isOwn)
        .sorted()
        .toList();
  }
}
