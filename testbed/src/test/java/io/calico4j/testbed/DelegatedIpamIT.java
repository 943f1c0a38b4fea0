package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses of Debian's IPAM plugins: executed, policed like all others, and given back. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DelegatedIpamIT {
  private static final Map<String, String> PATH = Map.of("CNI_PATH", "/usr/lib/cni");

  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  private Path store(String network) {
    return host.state().resolve("ipam-" + network);
  }

  private String hostLocal(String network, String version, String more) {
    return """
        {%s'name':'%s','type':'calico','ipam':{'type':'host-local','dataDir':'%s',%s}}
        """
        .formatted(
            version.isEmpty() ? "" : "'cniVersion':'" + version + "',",
            network,
            store(network),
            more);
  }

  private static final String RANGE = "'ranges':[[{'subnet':'10.88.0.0/24'}]]";

  /** Returns the addresses that host-local keeps. */
  private List<String> kept(String network) throws IOException {
    Path directory = store(network).resolve(network);
    if (!Files.exists(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(name -> name.matches("[0-9.]+|[0-9a-f:]+"))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"})
  void hostLocalKeepsTheAddressesInEveryVersionItKnows(String version) throws Exception {
    String network = "hl" + version.replace(".", "");
    String configuration = hostLocal(network, version, RANGE);
    Namespace a = host.sandbox(network + "-a");
    Namespace b = host.sandbox(network + "-b");
    JsonObject result = host.add(a, PATH, configuration).json();
    String address = TestHost.address(result.toString());
    String peer = TestHost.address(host.add(b, PATH, configuration).json().toString());
    assertThat(List.of(address, peer)).allMatch(x -> x.startsWith("10.88.0."));
    assertThat(kept(network)).containsExactlyInAnyOrder(address, peer);
    assertThat(PacketProbe.ping(a, peer)).isTrue();
    assertThat(PacketProbe.ping(b, address)).isTrue();
    assertThat(host.add(a, PATH, configuration).json()).as("a repeated ADD").isEqualTo(result);
    assertThat(kept(network)).hasSize(2);
    if (version.compareTo("0.4.0") >= 0) {
      JsonObject check = JsonParser.parseString(configuration.replace('\'', '"')).getAsJsonObject();
      check.add("prevResult", result);
      assertThat(host.test().cni("CHECK", a, PATH, check.toString()).output()).isEmpty();
      Files.delete(store(network).resolve(network).resolve(address));
      assertThat(host.test().cni("CHECK", a, PATH, check.toString()).standardOutput())
          .contains("from IPAM plugin host-local");
    }
    host.delete(a, PATH, configuration);
    host.delete(b, PATH, configuration);
    assertThat(kept(network)).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void bothFamiliesAndTheRoutesOfThePlugin() throws Exception {
    String configuration =
        hostLocal(
            "routed",
            "1.0.0",
            "'ranges':[[{'subnet':'10.88.1.0/24'}],[{'subnet':'fd00:88::/64'}]],"
                + "'routes':[{'dst':'10.0.0.0/8','gw':'10.88.1.1'},{'dst':'192.0.2.0/24'}]");
    Namespace pod = host.sandbox("routed");
    CniHost.Result result = host.add(pod, PATH, configuration);
    assertThat(result.address(0)).startsWith("10.88.1.");
    assertThat(result.address(1)).startsWith("fd00:88::");
    assertThat(result.json().get("routes").toString())
        .isEqualTo("[{\"dst\":\"10.0.0.0/8\"},{\"dst\":\"192.0.2.0/24\"}]");
    assertThat(pod.ip("route").lines().map(l -> l.split(" ", -1)[0]))
        .containsExactlyInAnyOrder("10.0.0.0/8", "192.0.2.0/24", "169.254.1.1");
    assertThat(pod.ip("-6", "route")).contains("default via fe80::ecee:eeff:feee:eeee");
    host.delete(pod, PATH, configuration);
    String all =
        configuration.replace("'type':'calico'", "'type':'calico','include_default_routes':true");
    assertThat(host.add(pod, PATH, all).json()).isNotNull();
    assertThat(pod.ip("route")).contains("default via 169.254.1.1", "10.0.0.0/8");
    host.delete(pod, PATH, all);
    assertThat(kept("routed")).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void staticGivesWhatTheConfigurationSays() throws Exception {
    String configuration =
        """
        {'cniVersion':'0.4.0','name':'fix','type':'calico','ipam':{'type':'static',
         'addresses':[{'address':'10.89.0.5/24','gateway':'10.89.0.1'},{'address':'fd00:89::5/64'}],
         'routes':[{'dst':'0.0.0.0/0'}],'dns':{'nameservers':['192.0.2.53']}}}
        """;
    Namespace pod = host.sandbox("fixed");
    CniHost.Result result = host.add(pod, PATH, configuration);
    assertThat(List.of(result.address(0), result.address(1)))
        .containsExactly("10.89.0.5", "fd00:89::5");
    assertThat(result.json().get("dns").toString()).isEqualTo("{\"nameservers\":[\"192.0.2.53\"]}");
    assertThat(PacketProbe.ping(host.test().namespace(), "10.89.0.5")).isTrue();
    host.delete(pod, PATH, configuration);
    host.mustBeEmpty();
  }

  @Test
  void thePluginsErrorIsTheAnswer() throws Exception {
    String configuration =
        hostLocal(
            "small",
            "0.4.0",
            "'ranges':[[{'subnet':'10.88.2.0/24','rangeStart':'10.88.2.9','rangeEnd':'10.88.2.9'}]]");
    Namespace first = host.sandbox("small-a");
    Namespace second = host.sandbox("small-b");
    assertThat(host.add(first, PATH, configuration).address(0)).isEqualTo("10.88.2.9");
    Command.Outcome refused =
        host.test().cni("ADD", second, PATH, configuration.replace('\'', '"'));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.standardOutput())
        .contains("no IP addresses available", "from IPAM plugin host-local", "\"code\":");
    assertThat(second.ip("-o", "link")).doesNotContain("eth0");
    host.delete(first, PATH, configuration);
    assertThat(host.add(second, PATH, configuration).address(0)).isEqualTo("10.88.2.9");
    host.delete(second, PATH, configuration);
    host.mustBeEmpty();
  }

  @Test
  void whatFailsAfterwardsGivesTheAddressBack() throws Exception {
    String configuration = hostLocal("undone", "0.4.0", RANGE);
    Namespace pod = host.sandbox("undone");
    pod.ip("link", "add", "eth0", "type", "bridge");
    Command.Outcome refused = host.test().cni("ADD", pod, PATH, configuration.replace('\'', '"'));
    assertThat(refused.standardOutput()).contains("eth0 exists already");
    assertThat(kept("undone")).isEmpty();
    assertThat(store("undone")).as("host-local was asked").isDirectory();
    host.mustBeEmpty();
  }

  @Test
  void anAddressThatAnEarlierAttemptLeftIsNoObstacle() throws Exception {
    String configuration = hostLocal("left", "0.4.0", RANGE);
    Namespace pod = host.sandbox("left");
    Command.Outcome assigned =
        new Command(
                List.of("/usr/lib/cni/host-local"),
                Map.of(
                    "CNI_COMMAND", "ADD",
                    "CNI_CONTAINERID", "pod-left",
                    "CNI_NETNS", pod.path(),
                    "CNI_IFNAME", "eth0",
                    "CNI_PATH", "/usr/lib/cni"),
                configuration.replace('\'', '"'))
            .run();
    assertThat(assigned.exitCode()).as(assigned.output()).isZero();
    assertThat(kept("left")).hasSize(1);
    String address = host.add(pod, PATH, configuration).address(0);
    assertThat(kept("left")).containsExactly(address);
    host.delete(pod, PATH, configuration);
    assertThat(kept("left")).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void aDelWithoutIpamSectionGivesTheAddressBackToo() throws Exception {
    String configuration = hostLocal("forgot", "0.4.0", RANGE);
    Namespace pod = host.sandbox("forgot");
    assertThat(host.add(pod, PATH, configuration).address(0)).isNotEmpty();
    assertThat(kept("forgot")).hasSize(1);
    host.delete(pod, PATH, "{'cniVersion':'0.4.0','name':'forgot','type':'calico'}");
    assertThat(kept("forgot")).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void rktsRelativeDirectoryIsPassedOver() throws Exception {
    String configuration = hostLocal("rktnet", "", RANGE);
    Namespace pod = host.sandbox("rktnet");
    Map<String, String> rkt =
        Map.of("CNI_PATH", "/etc/rkt/net.d:stage1/rootfs/usr/lib/rkt/plugins/net");
    assertThat(host.add(pod, rkt, configuration).json().has("ip4")).isTrue();
    host.delete(pod, rkt, configuration);
    assertThat(kept("rktnet")).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void anAgentThatDiesWhileThePluginWorksLeavesTheRequestToTheNextOne() throws Exception {
    Path plugins = Files.createDirectories(host.state().resolve("plugins"));
    Path assigned = plugins.resolve("assigned");
    Path go = plugins.resolve("go");
    Path slow = plugins.resolve("slow-local");
    Files.writeString(
        slow,
        """
        #!/bin/sh
        sed 's/slow-local/host-local/' | CNI_PATH=/usr/lib/cni /usr/lib/cni/host-local >%1$s.new
        status=$?
        cat %1$s.new
        mv %1$s.new %1$s
        while [ "$CNI_COMMAND" = ADD ] && [ ! -e %2$s ]; do sleep 0.05; done
        exit $status
        """
            .formatted(assigned, go));
    Files.setPosixFilePermissions(slow, PosixFilePermissions.fromString("rwxr-xr-x"));
    Map<String, String> path = Map.of("CNI_PATH", plugins.toString());
    String configuration = hostLocal("killed", "0.4.0", RANGE).replace("host-local", "slow-local");
    Namespace pod = host.sandbox("killed");
    CompletableFuture<Command.Outcome> cut =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return host.test().cni("ADD", pod, path, configuration.replace('\'', '"'));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    Await.until("the plugin has assigned an address", 15, () -> Files.exists(assigned));
    host.test().killAgent();
    assertThat(kept("killed")).hasSize(1);
    Files.createFile(go);
    host.test().startAgent();
    // The launcher has waited for the next agent, and has sent the request again.
    Command.Outcome repeated = cut.get(60, TimeUnit.SECONDS);
    assertThat(repeated.exitCode()).as(repeated.output()).isZero();
    String address = TestHost.address(repeated.standardOutput());
    assertThat(kept("killed")).containsExactly(address);
    host.delete(pod, path, configuration);
    assertThat(kept("killed")).isEmpty();
    host.mustBeEmpty();
  }

  @Test
  void itIsTheSameWithoutAnAgent() throws Exception {
    host.test().killAgent();
    String configuration = hostLocal("alone", "0.4.0", RANGE);
    Namespace pod = host.sandbox("alone");
    String address = host.add(pod, PATH, configuration).address(0);
    assertThat(kept("alone")).containsExactly(address);
    assertThat(PacketProbe.ping(host.test().namespace(), address)).isTrue();
    host.delete(pod, PATH, configuration);
    assertThat(kept("alone")).isEmpty();
    host.test().startAgent();
    host.mustBeEmpty();
  }
}
