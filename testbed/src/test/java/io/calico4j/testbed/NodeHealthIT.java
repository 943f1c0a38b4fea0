package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.endpoint.EndpointStep;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** Readiness tells the truth, what is removed comes back, and the agent ends when it must. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class NodeHealthIT {
  private static final String VERSION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"calico\",\"type\":\"calico\"}";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("health", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  /** Returns the body of /readiness, whichever its status is. */
  private String readiness() throws IOException {
    return host.namespace()
        .command("curl", "-s", "-m", "10", "http://localhost:9099/readiness")
        .run()
        .standardOutput();
  }

  private void awaitTrouble(String text) throws IOException {
    Await.until(
        "/readiness is 503 and says " + text,
        60,
        () -> !host.isReady() && readiness().contains(text));
  }

  private void awaitReady() throws IOException {
    Await.until("the node is ready again", 60, host::isReady);
  }

  private long logged(String text) throws IOException {
    return Files.readAllLines(host.state().resolve("node.log"), StandardCharsets.UTF_8).stream()
        .filter(line -> line.contains(text))
        .count();
  }

  private void apply(String yaml) throws IOException {
    Command.Outcome applied = host.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  @Test
  @Order(1)
  void aRemovedPluginSocketComesBack() throws Exception {
    Path socket = host.state().resolve("run/plugin.sock");
    Files.delete(socket);
    Await.until("the socket is there again", 30, () -> Files.exists(socket));
    Await.until(
        "the agent serves on it",
        30,
        () ->
            logged("is bound again") == 1
                && host.plugin("calico", Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin"), VERSION)
                        .exitCode()
                    == 0);
    awaitReady();
    // Another file in its place is replaced, too.
    Files.delete(socket);
    Files.writeString(socket, "no socket");
    Await.until("the socket is bound again", 30, () -> !Files.isRegularFile(socket));
    awaitReady();
  }

  @Test
  @Order(2)
  void aDeletedNodeIsWrittenAgainAsItWas() throws Exception {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: Node
        metadata: {name: health, labels: {rack: r1}}
        spec: {bgp: {ipv4Address: 192.0.2.11/24, asNumber: 64512}}
        """);
    // The agent has seen the label when its look comes round after this.
    Await.until(
        "the node comes back with its label",
        120,
        () -> {
          String node = host.calicoctl("", "get", "node", "health", "-o", "yaml").standardOutput();
          if (node.contains("rack: r1") && logged("it is written again") > 0) {
            return true;
          }
          if (node.contains("rack: r1")) {
            var unused = host.calicoctl("", "delete", "node", "health");
          } else if (logged("it is written again") > 0 && node.contains("192.0.2.11/24")) {
            // It was deleted before the agent had seen the label: once more.
            apply(
                """
                apiVersion: projectcalico.org/v3
                kind: Node
                metadata: {name: health, labels: {rack: r1}}
                spec: {bgp: {ipv4Address: 192.0.2.11/24, asNumber: 64512}}
                """);
          }
          return false;
        });
    awaitReady();
  }

  @Test
  @Order(3)
  void birdWithoutItsConfigurationIsNotReady() throws Exception {
    long before = logged("Bird is in trouble");
    long ends = logged("Bird is well again");
    Path obstacle = host.state().resolve("run/bird.cfg.next");
    Files.createDirectory(obstacle);
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: BGPPeer
        metadata: {name: far}
        spec: {peerIP: 192.0.2.99, asNumber: 64999}
        """);
    awaitTrouble("Bird: not ready: bird keeps its configuration: ");
    Await.until("it is logged", 30, () -> logged("Bird is in trouble") == before + 1);
    Files.delete(obstacle);
    awaitReady();
    Await.until("its end is logged", 30, () -> logged("Bird is well again") == ends + 1);
    assertThat(logged("Bird is in trouble")).isEqualTo(before + 1);
  }

  /** Another program owns the table: the kernel lets nobody else change it. */
  @Test
  @Order(4)
  void refusedRulesAreNotReady() throws Exception {
    Process owner =
        new ProcessBuilder(host.namespace().enter(List.of("nft", "-i")))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("owner.log").toFile())
            .start();
    try (OutputStream in = owner.getOutputStream()) {
      in.write(
          ("delete table inet calico; add table inet calico { flags owner; }\n")
              .getBytes(StandardCharsets.US_ASCII));
      in.flush();
      Await.until("the table is owned", 30, () -> host.rules().contains("flags owner"));
      apply(
          """
          apiVersion: projectcalico.org/v3
          kind: GlobalNetworkPolicy
          metadata: {name: any}
          spec: {selector: all(), ingress: [{action: Allow}]}
          """);
      apply(
          """
          apiVersion: projectcalico.org/v3
          kind: FelixConfiguration
          metadata: {name: default}
          spec: {nftablesRefreshInterval: 2s}
          """);
      awaitTrouble("Felix: not ready: rules could not be programmed");
    } finally {
      Await.killed(owner);
    }
    awaitReady();
  }

  @Test
  @Order(5)
  void sigtermWhileTheDatastoreIsAwayEndsTheAgent() throws Exception {
    int unused = host.stopAgent();
    etcd.kill();
    long before = logged("waiting for the datastore");
    host.beginAgent();
    Await.until("it waits", 60, () -> logged("waiting for the datastore") > before);
    ProcessHandle agent = ProcessHandle.of(host.agentPid()).orElseThrow();
    assertThat(agent.destroy()).isTrue();
    // It took twenty seconds when the main thread did not hear of it.
    host.awaitAgentEnd(15);
    etcd.start();
  }

  @Test
  @Order(6)
  void aThreadThatEndsByABugEndsTheAgent() throws Exception {
    host.startFaultyAgent();
    host.fault().set(EndpointStep.REGISTERED, Fault.Effect.END_THREAD);
    Namespace sandbox = Namespace.create("health-pod");
    Command.Outcome failed = host.cni("ADD", sandbox, Map.of(), VERSION);
    host.awaitAgentEnd(30);
    host.fault().clear();
    assertThat(logged("calico-node ends with status 70: thread ")).isEqualTo(1);
    assertThat(logged("a bug made by a test")).isPositive();
    host.startAgent();
    Command.Outcome deleted = host.cni("DEL", sandbox, Map.of(), VERSION);
    assertThat(deleted.exitCode()).as(failed.output() + deleted.output()).isZero();
    int unused = host.stopAgent();
    sandbox.delete();
  }

  @Test
  @Order(7)
  void withoutMemoryTheAgentEnds() throws Exception {
    host.set("CALICO_NODE_JAVA_OPTIONS", "-Xms6m -Xmx6m");
    host.beginAgent();
    host.awaitAgentEnd(60);
    assertThat(logged("java.lang.OutOfMemoryError")).isPositive();
    host.set("CALICO_NODE_JAVA_OPTIONS", "");
    host.startAgent();
  }
}
