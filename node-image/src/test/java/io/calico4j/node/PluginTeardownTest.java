package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.TeardownRecords;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What each plugin does at a DEL while the datastore is away, and what the next agent finishes. */
@Timeout(60)
class PluginTeardownTest {
  private static final String BARE =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\"}";
  private static final String IPAM =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"bridge\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  @TempDir Path directory;

  @RegisterExtension final PluginHost host = new PluginHost();

  private EndpointService alone() throws KernelException {
    return host.alone(1, directory.resolve("teardown"));
  }

  private EndpointService agent() throws KernelException {
    return host.agent(directory.resolve("teardown"));
  }

  private PluginRequest cni(String program, String command, String configuration) {
    return PluginHost.cni(program, command, directory, configuration);
  }

  /** Calls a plugin that works alone while the datastore is away, twice: a DEL may be repeated. */
  private void callWhileAway(PluginRequest request) throws KernelException {
    host.datastore.failures.set(Integer.MAX_VALUE);
    for (int i = 0; i < 2; i++) {
      try (EndpointService endpoints = alone()) {
        PluginHost.call(host.plugins(endpoints, false), request);
        assertThat(endpoints.pendingTeardowns()).isEqualTo(1);
      }
    }
    host.datastore.failures.set(0);
  }

  private void finish() throws KernelException {
    try (EndpointService agent = agent()) {
      var unused = host.plugins(agent, true);
      PluginHost.awaitFinished(agent);
    }
  }

  @Test
  void aCleanupOfNetModulesIsRecordedAndTheUidsAddressesAreReleasedLater() throws Exception {
    try (EndpointService endpoints = alone()) {
      Map<String, PluginHandler> plugins = host.plugins(endpoints, false);
      PluginHost.call(
          plugins,
          PluginHost.netModules(
              "reserve",
              "{\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\",\"10.65.0.10\"],\"uid\":\"u1\"}"));
      PluginHost.call(
          plugins,
          PluginHost.netModules(
              "isolate",
              "{\"container_id\":\"web\",\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\"],"
                  + "\"netgroups\":[],\"pid\":1}"));
    }
    assertThat(host.endpoints()).isEqualTo(1);
    callWhileAway(
        PluginHost.netModules("cleanup", "{\"container_id\":\"web\",\"hostname\":\"a\"}"));
    assertThat(host.ipam.addressesOf(new HandleId("u1"))).hasSize(2);
    finish();
    host.mustBeEmpty();
  }

  @Test
  void aDelOfCalicoIpamIsRecordedAndTheAgentReleasesTheAddress() throws Exception {
    try (EndpointService endpoints = alone()) {
      PluginHost.call(host.plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    assertThat(host.ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
    callWhileAway(cni("calico-ipam", "DEL", IPAM));
    finish();
    host.mustBeEmpty();
  }

  @Test
  void anAddOfCalicoIpamFirstFinishesTheRelease() throws Exception {
    try (EndpointService endpoints = alone()) {
      Map<String, PluginHandler> plugins = host.plugins(endpoints, false);
      PluginHost.call(plugins, cni("calico-ipam", "ADD", IPAM));
      callWhileAway(cni("calico-ipam", "DEL", IPAM));
      PluginHost.call(plugins, cni("calico-ipam", "ADD", IPAM));
      assertThat(endpoints.pendingTeardowns()).isZero();
      assertThat(host.ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
    }
    finish();
    assertThat(host.ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
  }

  /** Two agents that know nothing of each other: the record has been read when the ADD comes. */
  @Test
  void anAddressThatWasAssignedAfterTheDetachmentStays() throws Exception {
    try (EndpointService endpoints = alone()) {
      PluginHost.call(host.plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    callWhileAway(cni("calico-ipam", "DEL", IPAM));
    Path record = records().get(0);
    byte[] text = Files.readAllBytes(record);
    try (EndpointService endpoints = alone()) {
      PluginHost.call(host.plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    Files.write(record, text);
    finish();
    assertThat(host.ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
  }

  private List<Path> records() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("teardown"))) {
      return files.toList();
    }
  }

  @Test
  void aDelWithoutIpamSectionIsRecordedAndTheAgentReleasesTheAddress() throws Exception {
    try (EndpointService endpoints = alone()) {
      PluginHost.call(host.plugins(endpoints, false), cni("calico", "ADD", BARE));
    }
    callWhileAway(cni("calico", "DEL", BARE));
    finish();
    host.mustBeEmpty();
  }

  @Test
  void aDelWithoutIpamSectionGivesTheAddressBackToThePluginThatTheEndpointRemembers()
      throws Exception {
    Path asked = directory.resolve("asked");
    Path plugin = directory.resolve("some-ipam");
    Files.writeString(
        plugin,
        "#!/bin/sh\ncat > /dev/null\n"
            + "[ -e "
            + directory
            + "/refuse ] && echo refused >> "
            + directory
            + "/refusals && exit 1\n"
            + "echo $CNI_COMMAND $CNI_CONTAINERID >> "
            + asked
            + "\necho '{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"4\",\"address\":\"10.88.0.5/24\"}]}'\n");
    Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwx------"));
    String named = BARE.replace("}", ",\"ipam\":{\"type\":\"some-ipam\"}}");
    try (EndpointService endpoints = alone()) {
      PluginHost.call(host.plugins(endpoints, false), cni("calico", "ADD", named));
    }
    assertThat(asked).hasContent("ADD web");
    callWhileAway(cni("calico", "DEL", BARE));
    assertThat(asked).hasContent("ADD web");

    Files.createFile(directory.resolve("refuse"));
    try (EndpointService agent = agent()) {
      var unused = host.plugins(agent, true);
      // The second refusal means that the agent has come to an end with the first one.
      Path refusals = directory.resolve("refusals");
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (!Files.exists(refusals) || Files.readAllLines(refusals).size() < 2) {
        assertThat(System.nanoTime()).as("the plugin is asked twice").isLessThan(end);
        TimeUnit.MILLISECONDS.sleep(50);
      }
      assertThat(agent.pendingTeardowns()).as("the plugin refuses").isEqualTo(1);
      assertThat(host.endpoints()).isEqualTo(1);
    }
    Files.delete(directory.resolve("refuse"));
    finish();
    assertThat(asked).hasContent("ADD web\nDEL web");
    host.mustBeEmpty();
  }

  @Test
  void recordsTellSinceWhenTheyWait() throws Exception {
    TeardownRecords waiting = new TeardownRecords(directory.resolve("teardown"));
    assertThat(waiting.waiting()).isEqualTo(new TeardownRecords.Waiting(0, Optional.empty()));
    Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    callWhileAway(cni("calico", "DEL", BARE));
    assertThat(waiting.waiting().count()).isEqualTo(1);
    assertThat(waiting.waiting().oldest().orElseThrow()).isBetween(before, Instant.now());
    assertThat(Files.getPosixFilePermissions(records().get(0)))
        .as("the request may hold passwords")
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }
}
