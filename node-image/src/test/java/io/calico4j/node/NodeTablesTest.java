package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.felix.FelixParameter;
import io.calico4j.core.felix.FelixParameters;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.testing.GeneratedSection;
import io.calico4j.core.testing.SettingExample;
import io.calico4j.node.address.Autodetection;
import io.calico4j.node.bird.RouterId;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every setting of calico-node: its default, an explicit value, a bad one, its documentation. */
class NodeTablesTest {
  private static final String NUL = "a\0b";

  private static SettingExample example(
      String name, Object absent, @Nullable String text, Object value, @Nullable String bad) {
    return new SettingExample(name, absent, text, value, bad);
  }

  private static final SettingExample NODE =
      example(
          "NODENAME",
          Optional.empty(),
          "host-a.example",
          Optional.of(new NodeName("host-a.example")),
          "Host_A");
  private static final SettingExample RUN =
      example("CALICO_RUN_DIR", Path.of("/run/calico"), "/run/x", Path.of("/run/x"), NUL);
  private static final SettingExample LIB =
      example("CALICO_LIB_DIR", Path.of("/var/lib/calico"), "/l", Path.of("/l"), NUL);

  private static final Map<Settings, List<SettingExample>> EXAMPLES =
      Map.of(
          NodeSettings.TABLE,
          List.of(
              NODE,
              RUN,
              LIB,
              example(
                  "CALICO_ROUTER_ID",
                  RouterId.ADDRESS,
                  "hash",
                  new RouterId("hash"),
                  "2001:db8::1"),
              example(
                  "CALICO_BGP_SECRETS_DIR",
                  Path.of("/etc/calico/bgp-secrets"),
                  "/s",
                  Path.of("/s"),
                  NUL),
              example("IP", "autodetect", "192.0.2.11/24", "192.0.2.11/24", "192.0.2"),
              example("IP6", "", "none", "none", "192.0.2.1"),
              example(
                  "IP_AUTODETECTION_METHOD",
                  new Autodetection.FirstFound(),
                  "can-reach=a",
                  new Autodetection.CanReach("a"),
                  "kubernetes-internal-ip"),
              example(
                  "IP6_AUTODETECTION_METHOD",
                  new Autodetection.FirstFound(),
                  "cidr=fd00::/8",
                  new Autodetection.InNetworks(List.of(Cidr.parse("fd00::/8"))),
                  "best"),
              example("AS", "", "1.10", "65546", "many"),
              example("CALICO_NETWORKING_BACKEND", "bird", "none", "none", "birds"),
              example(
                  "CALICO_IPV4POOL_CIDR",
                  "192.168.0.0/16",
                  "10.65.0.0/16",
                  "10.65.0.0/16",
                  "fd::/8"),
              example("NO_DEFAULT_POOLS", false, "true", true, "maybe"),
              example("FELIX_HEALTHHOST", "localhost", "0.0.0.0", "0.0.0.0", null),
              example("FELIX_HEALTHPORT", 9099, "0", 0, "65536"),
              example("CALICO_BLOCK_RELEASE_SECONDS", 300, "0", 0, "-1"),
              example("CALICO_JANITOR_SECONDS", 60, "0", 0, "soon"),
              example("CALICO_RKT_DIR", Path.of("/var/lib/rkt"), "/r", Path.of("/r"), NUL)),
          EtcdSettings.TABLE,
          List.of(
              example("CALICO_ETCD_QUOTA_MEGABYTES", 2048, "16", 16, "1"),
              example(
                  "ETCD_ENDPOINTS", "", "https://a:1,https://b:2", "https://a:1,https://b:2", "a"),
              example("ETCD_CA_CERT_FILE", "", "/ca.pem", "/ca.pem", NUL),
              example("ETCD_CERT_FILE", "", "/c.pem", "/c.pem", NUL),
              example("ETCD_KEY_FILE", "", "/k.pem", "/k.pem", NUL),
              example("ETCD_CA_CERT", "", "PEM", "PEM", null),
              example("ETCD_CERT", "", "PEM", "PEM", null),
              example("ETCD_KEY", "", "PEM", "PEM", null),
              example("ETCD_USERNAME", "", "root", "root", null),
              example("ETCD_PASSWORD", "", "x", "x", null),
              example("ETCD_DISCOVERY_SRV", "", null, "", "example.org"),
              example("CALICO_ETCD_CLIENT_PORT", 2379, "12379", 12379, "0"),
              example("CALICO_ETCD_PEER_PORT", 2380, "12380", 12380, "etcd")),
          StandaloneSettings.TABLE,
          List.of(
              NODE,
              RUN,
              LIB,
              example(
                  "CALICO_ADD_BUDGET_SECONDS",
                  new Patience(Duration.ofSeconds(30)),
                  "100",
                  new Patience(Duration.ofSeconds(100)),
                  "101")),
          MesosSettings.TABLE,
          List.of(
              example(
                  "CALICO_MESOS_AGENT",
                  Optional.empty(),
                  "http://127.0.0.1:5051",
                  Optional.of(URI.create("http://127.0.0.1:5051")),
                  "agent:5051"),
              example("CALICO_MESOS_SECONDS", 10, "1", 1, "0"),
              example("CALICO_MESOS_GRACE_SECONDS", 60, "1", 1, "soon"),
              example(
                  "CALICO_MESOS_CA_CERT_FILE",
                  Optional.empty(),
                  "/ca.pem",
                  Optional.of(Path.of("/ca.pem")),
                  NUL),
              example("CALICO_MESOS_USERNAME", "", "marathon", "marathon", null),
              example("CALICO_MESOS_PASSWORD", "", "x", "x", null)),
          DockerSettings.TABLE,
          List.of(
              example("CALICO_LIBNETWORK_ENABLED", false, "true", true, "on"),
              example("CALICO_LIBNETWORK_CREATE_PROFILES", true, "false", false, "off"),
              example("CALICO_LIBNETWORK_LABEL_ENDPOINTS", false, "true", true, "all"),
              example(
                  "CALICO_LIBNETWORK_LABEL_POLL_TIMEOUT",
                  Duration.ofSeconds(5),
                  "500ms",
                  Duration.ofMillis(500),
                  "5 s"),
              example("CALICO_LIBNETWORK_IFPREFIX", "cali", "eth", "eth", "a/b"),
              example("CALICO_LIBNETWORK_VETH_MTU", 0, "1400", 1400, "large"),
              example(
                  "CALICO_LIBNETWORK_PLUGIN_DIR",
                  Path.of("/run/docker/plugins"),
                  "/p",
                  Path.of("/p"),
                  NUL),
              example(
                  "CALICO_LIBNETWORK_DOCKER_SOCKET",
                  Path.of("/var/run/docker.sock"),
                  "/d.sock",
                  Path.of("/d.sock"),
                  NUL),
              example("CALICO_LIBNETWORK_SECONDS", 10, "0", 0, "-1")),
          MetricsSettings.TABLE,
          List.of(
              example("FELIX_PROMETHEUSMETRICSENABLED", false, "Yes", true, "on"),
              example("FELIX_PROMETHEUSMETRICSHOST", "localhost", "::", "::", null),
              example("FELIX_PROMETHEUSMETRICSPORT", 9091, "9092", 9092, "http")));

  @Test
  void everySettingHasItsDefaultTakesAValueAndNamesABadOne() {
    assertThat(EXAMPLES.keySet()).containsExactlyInAnyOrderElementsOf(NodeTables.ALL);
    EXAMPLES.forEach(SettingExample::check);
  }

  @Test
  void theReadmeListsThem() throws Exception {
    GeneratedSection.check(Path.of("README.md"), "settings", NodeTables.markdown());
  }

  @Test
  void helpListsThem() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    assertThat(NodeCommand.run(List.of("--help"), Map.of(), print, print)).isZero();
    String help = out.toString(StandardCharsets.UTF_8);
    NodeTables.ALL.stream()
        .flatMap(table -> table.all().stream())
        .map(Setting::name)
        .forEach(name -> assertThat(help).contains("\n  " + name + " ("));
  }

  @Test
  void badValuesOfAllComponentsAreRefusedTogether() {
    Map<String, String> environment =
        Map.of("CALICO_MESOS_SECONDS", "0", "felix_healthport", "x", "ETCD_DISCOVERY_SRV", "a");
    assertThatThrownBy(() -> Settings.check(NodeTables.ALL, environment, warning -> {}))
        .hasMessageContaining("FELIX_HEALTHPORT \"x\"")
        .hasMessageContaining("CALICO_MESOS_SECONDS \"0\"")
        .hasMessageContaining("ETCD_DISCOVERY_SRV \"a\"");
  }

  @ParameterizedTest
  @CsvSource({
    "ETCD_ENDPOINTS,http://root:hidden@h:1",
    "ETCD_ENDPOINTS,'http://h:1,http://root:hidden@h:1'",
    "ETCD_ENDPOINTS,'http://h:1,root:hidden@h:1'",
    "ETCD_ENDPOINTS,'http://root:x,hidden@h:1'",
    "CALICO_MESOS_AGENT,http://root:hidden@h:1"
  })
  void aPasswordInAUrlIsRefusedAndNotShown(String name, String url) {
    assertThatThrownBy(() -> Settings.check(NodeTables.ALL, Map.of(name, url), warning -> {}))
        .hasMessageContaining(name)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hidden"));
  }

  @Test
  void aPluginNamesABadVariableAsItsEnvironment() {
    assertThatThrownBy(
            () -> StandaloneSettings.of(new JsonObject(), Map.of("CALICO_ADD_BUDGET_SECONDS", "0")))
        .hasMessageContaining("environment");
  }

  @Test
  void aPluginNamesANodesNameThatIsNone(@TempDir Path lib) {
    JsonObject configuration = new JsonObject();
    configuration.addProperty("nodename", "Host_A");
    Map<String, String> environment = Map.of("CALICO_LIB_DIR", lib.toString());
    assertThatThrownBy(() -> StandaloneSettings.of(configuration, environment))
        .isInstanceOf(CniError.class)
        .hasMessageContaining("name \"Host_A\" must be 1 to 253 lower-case")
        .hasMessageContaining("set nodename");
  }

  @Test
  void felixKnowsWhichOfItsParametersAreReadHere() {
    assertThat(
            NodeTables.ALL.stream()
                .flatMap(table -> table.all().stream())
                .map(Setting::name)
                .filter(name -> name.startsWith("FELIX_")))
        .containsExactlyInAnyOrderElementsOf(
            FelixParameters.all().stream()
                .filter(parameter -> parameter.status() == FelixParameter.Status.CALICO_NODE)
                .map(parameter -> parameter.variable().toUpperCase(Locale.ROOT))
                .toList());
  }
}
