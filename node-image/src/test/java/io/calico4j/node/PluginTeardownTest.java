package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.endpoint.TeardownRecords;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.HandleId;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.core.testing.MemoryDatastore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What each plugin does at a DEL while the datastore is away, and what the next agent finishes. */
@Timeout(60)
class PluginTeardownTest {
  private static final String ENDPOINTS =
      "/calico/resources/v3/projectcalico.org/workloadendpoints/";
  private static final String HANDLES = "/calico/ipam/v2/handle/";
  private static final String BARE =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\"}";
  private static final String IPAM =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"bridge\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  @TempDir Path directory;

  private final FakeKernel kernel = new FakeKernel();
  private final MemoryDatastore memory = new MemoryDatastore();
  private final FailingDatastore datastore = new FailingDatastore(memory);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));

  @BeforeEach
  void makePool() throws Exception {
    ResourceClient resources = new ResourceClient(datastore);
    NodeSpec node =
        new NodeSpec(
            new NodeSpec.Bgp(null, "192.0.2.11/24", null, null, null),
            null,
            null,
            null,
            null,
            List.of());
    resources.create(Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), node));
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, "pool"),
            new IpPoolSpec(
                "10.65.0.0/16", null, null, null, null, null, null, null, null, null, null)));
  }

  @AfterEach
  void close() {
    ipam.close();
    datastore.close();
  }

  private EndpointService service(EndpointSettings settings) throws KernelException {
    return new EndpointService(
        datastore,
        kernel,
        FailingDatastore.programmed(),
        ipam,
        settings.with(new Patience(Duration.ofSeconds(1)), directory.resolve("teardown")),
        EndpointStep.Observer.NONE);
  }

  private EndpointService alone() throws KernelException {
    return service(EndpointSettings.forSingleRequest(() -> 1500));
  }

  private Map<String, PluginHandler> plugins(EndpointService endpoints, boolean agent) {
    return Plugins.of(endpoints, ipam, kernel, new ResourceClient(datastore), agent);
  }

  private PluginRequest cni(String program, String command, String configuration) {
    Map<String, String> environment = new TreeMap<>();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", "web");
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_NETNS", "/run/netns/web");
    environment.put("CNI_PATH", directory.toString());
    return new PluginRequest(program, environment, configuration, 0);
  }

  private static PluginRequest netModules(String command, String arguments) {
    return new PluginRequest(
        "calico-mesos",
        Map.of(),
        "{\"command\":\"" + command + "\",\"args\":" + arguments + "}",
        -1);
  }

  private static void call(Map<String, PluginHandler> plugins, PluginRequest request) {
    PluginResponse response = plugins.get(request.program()).handle(request);
    assertThat(response.exitCode()).as(response.standardOutput()).isZero();
  }

  /** Calls a plugin that works alone while the datastore is away, twice: a DEL may be repeated. */
  private void callWhileAway(PluginRequest request) throws KernelException {
    datastore.failures.set(Integer.MAX_VALUE);
    for (int i = 0; i < 2; i++) {
      try (EndpointService endpoints = alone()) {
        call(plugins(endpoints, false), request);
        assertThat(endpoints.pendingTeardowns()).isEqualTo(1);
      }
    }
    datastore.failures.set(0);
  }

  private void finish() throws KernelException {
    try (EndpointService agent = service(EndpointSettings.forAgent(() -> 1500))) {
      var unused = plugins(agent, true);
      while (agent.pendingTeardowns() > 0) {
        Thread.onSpinWait();
      }
    }
  }

  private int count(String prefix) throws DatastoreException {
    return memory.list(prefix).entries().size();
  }

  private void mustBeEmpty() throws Exception {
    assertThat(count(ENDPOINTS)).isZero();
    assertThat(count(HANDLES)).isZero();
    try (Netlink host = kernel.netlink()) {
      assertThat(host.links()).isEmpty();
    }
  }

  @Test
  void aCleanupOfNetModulesIsRecordedAndTheUidsAddressesAreReleasedLater() throws Exception {
    try (EndpointService endpoints = alone()) {
      Map<String, PluginHandler> plugins = plugins(endpoints, false);
      call(
          plugins,
          netModules(
              "reserve",
              "{\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\",\"10.65.0.10\"],\"uid\":\"u1\"}"));
      call(
          plugins,
          netModules(
              "isolate",
              "{\"container_id\":\"web\",\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\"],"
                  + "\"netgroups\":[],\"pid\":1}"));
    }
    assertThat(count(ENDPOINTS)).isEqualTo(1);
    callWhileAway(netModules("cleanup", "{\"container_id\":\"web\",\"hostname\":\"a\"}"));
    assertThat(ipam.addressesOf(new HandleId("u1"))).hasSize(2);
    finish();
    mustBeEmpty();
  }

  @Test
  void aDelOfCalicoIpamIsRecordedAndTheAgentReleasesTheAddress() throws Exception {
    try (EndpointService endpoints = alone()) {
      call(plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    assertThat(ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
    callWhileAway(cni("calico-ipam", "DEL", IPAM));
    finish();
    mustBeEmpty();
  }

  @Test
  void anAddOfCalicoIpamFirstFinishesTheRelease() throws Exception {
    try (EndpointService endpoints = alone()) {
      Map<String, PluginHandler> plugins = plugins(endpoints, false);
      call(plugins, cni("calico-ipam", "ADD", IPAM));
      callWhileAway(cni("calico-ipam", "DEL", IPAM));
      call(plugins, cni("calico-ipam", "ADD", IPAM));
      assertThat(endpoints.pendingTeardowns()).isZero();
      assertThat(ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
    }
    finish();
    assertThat(ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
  }

  /** Two agents that know nothing of each other: the record has been read when the ADD comes. */
  @Test
  void anAddressThatWasAssignedAfterTheDetachmentStays() throws Exception {
    try (EndpointService endpoints = alone()) {
      call(plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    callWhileAway(cni("calico-ipam", "DEL", IPAM));
    Path record = records().get(0);
    byte[] text = Files.readAllBytes(record);
    try (EndpointService endpoints = alone()) {
      call(plugins(endpoints, false), cni("calico-ipam", "ADD", IPAM));
    }
    Files.write(record, text);
    finish();
    assertThat(ipam.addressesOf(new HandleId("net.web"))).hasSize(1);
  }

  private List<Path> records() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("teardown"))) {
      return files.toList();
    }
  }

  @Test
  void aDelWithoutIpamSectionIsRecordedAndTheAgentReleasesTheAddress() throws Exception {
    try (EndpointService endpoints = alone()) {
      call(plugins(endpoints, false), cni("calico", "ADD", BARE));
    }
    callWhileAway(cni("calico", "DEL", BARE));
    finish();
    mustBeEmpty();
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
      call(plugins(endpoints, false), cni("calico", "ADD", named));
    }
    assertThat(asked).hasContent("ADD web");
    callWhileAway(cni("calico", "DEL", BARE));
    assertThat(asked).hasContent("ADD web");

    Files.createFile(directory.resolve("refuse"));
    try (EndpointService agent = service(EndpointSettings.forAgent(() -> 1500))) {
      var unused = plugins(agent, true);
      // The second refusal means that the agent has come to an end with the first one.
      Path refusals = directory.resolve("refusals");
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (!Files.exists(refusals) || Files.readAllLines(refusals).size() < 2) {
        assertThat(System.nanoTime()).as("the plugin is asked twice").isLessThan(end);
        TimeUnit.MILLISECONDS.sleep(50);
      }
      assertThat(agent.pendingTeardowns()).as("the plugin refuses").isEqualTo(1);
      assertThat(count(ENDPOINTS)).isEqualTo(1);
    }
    Files.delete(directory.resolve("refuse"));
    finish();
    assertThat(asked).hasContent("ADD web\nDEL web");
    mustBeEmpty();
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
