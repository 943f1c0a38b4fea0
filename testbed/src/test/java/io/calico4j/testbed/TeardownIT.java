package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers are removed while etcd does not run; what is left of them goes when it does again. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TeardownIT {
  private static final String BARE =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"bare\",\"type\":\"calico\"}";
  private static final String IPAM =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"bridged\",\"type\":\"bridge\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";
  private static final String WAITING = "Teardown records that wait for etcd: ";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("agent8", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private String mustCall(String program, Map<String, String> more, String input)
      throws IOException {
    Map<String, String> environment = new TreeMap<>(more);
    environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("CALICO_LIB_DIR", host.state().resolve("lib").toString());
    Command.Outcome outcome = host.plugin(program, environment, input);
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.standardOutput();
  }

  private String cni(String program, String command, Namespace sandbox, String configuration)
      throws IOException {
    return mustCall(
        program,
        Map.of(
            "CNI_COMMAND",
            command,
            "CNI_CONTAINERID",
            "pod-" + sandbox.name(),
            "CNI_NETNS",
            sandbox.path(),
            "CNI_IFNAME",
            "eth0",
            "CNI_PATH",
            "/usr/lib/cni"),
        configuration);
  }

  private String netModules(String command, String arguments) throws IOException {
    return mustCall(
        "calico-mesos",
        Map.of("ETCD_AUTHORITY", "192.0.2.2:2379"),
        "{\"args\":" + arguments + ",\"command\":\"" + command + "\"}");
  }

  private List<String> keptByHostLocal(Path store) throws IOException {
    try (Stream<Path> files = Files.list(store.resolve("bare"))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(name -> name.matches("[0-9.]+"))
          .toList();
    }
  }

  private String status() throws IOException {
    return host.calicoctl("", "node", "status").standardOutput();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void everyRoadsDelSucceedsWithoutEtcdAndIsFinishedWithIt(boolean byTheAgent) throws Exception {
    String prefix = byTheAgent ? "agent-" : "alone-";
    Path store = state.resolve(prefix + "store");
    Namespace bare = Namespace.create(prefix + "bare");
    Namespace remembered = Namespace.create(prefix + "local");
    Namespace bridged = Namespace.create(prefix + "bridged");
    Namespace mesos = Namespace.create(prefix + "mesos");
    cni("calico", "ADD", bare, BARE);
    cni(
        "calico",
        "ADD",
        remembered,
        BARE.replace(
            "}",
            ",\"ipam\":{\"type\":\"host-local\",\"dataDir\":\""
                + store
                + "\",\"ranges\":[[{\"subnet\":\"10.88.0.0/24\"}]]}}"));
    cni("calico-ipam", "ADD", bridged, IPAM);
    Process process = new ProcessBuilder(mesos.enter(List.of("sleep", "300"))).start();
    Await.until(
        "the process is in its namespace",
        10,
        () ->
            Command.of("ip", "netns", "identify", "" + process.pid())
                .mustRun()
                .contains(mesos.name()));
    String uid = prefix + "uid";
    String address =
        JsonParser.parseString(
                netModules(
                    "allocate",
                    "{\"hostname\":\"a\",\"num_ipv4\":2,\"num_ipv6\":0,\"uid\":\"" + uid + "\"}"))
            .getAsJsonObject()
            .getAsJsonArray("ipv4")
            .get(0)
            .getAsString();
    String container = "{\"container_id\":\"" + uid + "\",\"hostname\":\"a\"";
    netModules(
        "isolate",
        container
            + ",\"ipv4_addrs\":[\""
            + address
            + "\"],\"netgroups\":[],\"pid\":"
            + process.pid()
            + "}");
    assertThat(keptByHostLocal(store)).hasSize(1);
    assertThat(etcd.keys("/calico/ipam/v2/handle/")).hasSize(3);
    assertThat(status()).contains(WAITING + "none");

    if (!byTheAgent) {
      assertThat(host.stopAgent()).isEqualTo(143);
    }
    etcd.kill();
    var unusedStatus = process.destroyForcibly().waitFor();
    cni("calico", "DEL", bare, BARE);
    cni("calico", "DEL", remembered, BARE);
    cni("calico-ipam", "DEL", bridged, IPAM);
    netModules("cleanup", container + "}");
    assertThat(host.workloadRoutes()).isEmpty();
    assertThat(status()).containsPattern(WAITING + "4, the oldest since 2[0-9-]+T[0-9:]+Z\n");
    assertThat(keptByHostLocal(store)).hasSize(1);

    etcd.start();
    if (!byTheAgent) {
      assertThat(etcd.keys("/calico/ipam/v2/handle/")).as("nobody finishes it").hasSize(3);
      host.startAgent();
    }
    Await.until("no record waits", 60, () -> status().contains(WAITING + "none"));
    assertThat(keptByHostLocal(store)).isEmpty();
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
    for (Namespace sandbox : List.of(bare, remembered, bridged, mesos)) {
      sandbox.delete();
    }
  }
}
