package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** calicoctl's own configuration. */
class ApiConfigTest {
  @TempDir private Path directory;

  private Map<String, String> read(String yaml) throws Exception {
    Path file = Files.writeString(directory.resolve("calicoctl.cfg"), yaml);
    return ApiConfig.read(file.toString(), Map.of("ETCD_ENDPOINTS", "http://environment:1"));
  }

  @Test
  void theFileWins() throws Exception {
    assertThat(
            read(
                """
                apiVersion: projectcalico.org/v3
                kind: CalicoAPIConfig
                metadata:
                spec:
                  datastoreType: etcdv3
                  etcdEndpoints: https://a:2379,https://b:2379
                  etcdCACertFile: /etc/calico/ca.pem
                """))
        .containsOnly(
            Map.entry("ETCD_ENDPOINTS", "https://a:2379,https://b:2379"),
            Map.entry("ETCD_CA_CERT_FILE", "/etc/calico/ca.pem"));
  }

  @Test
  void textSurvivesAndWhatIsEmptyIsNotSet() throws Exception {
    assertThat(
            read(
                """
                kind: CalicoAPIConfig
                spec:
                  datastoreType: ""
                  etcdDiscoverySrv: ""
                  etcdEndpoints: http://a:2379
                  etcdUsername: 1.10
                  etcdPassword: 0123
                  etcdCACert: |
                    -----BEGIN CERTIFICATE-----
                """))
        .containsOnly(
            Map.entry("ETCD_ENDPOINTS", "http://a:2379"),
            Map.entry("ETCD_USERNAME", "1.10"),
            Map.entry("ETCD_PASSWORD", "0123"),
            Map.entry("ETCD_CA_CERT", "-----BEGIN CERTIFICATE-----\n"));
    assertThatThrownBy(
            () -> ApiConfig.read(ApiConfig.DEFAULT_FILE, Map.of("DATASTORE_TYPE", "kubernetes")))
        .hasMessageContaining("DATASTORE_TYPE \"kubernetes\" is not supported");
  }

  @Test
  void withoutTheFileTheEnvironmentCounts() {
    Map<String, String> environment = Map.of("ETCD_ENDPOINTS", "http://environment:1");
    assertThat(ApiConfig.read(ApiConfig.DEFAULT_FILE, environment)).isEqualTo(environment);
    assertThatThrownBy(() -> ApiConfig.read("/no/such.cfg", environment))
        .hasMessageContaining("/no/such.cfg does not exist");
  }

  @Test
  void aFileThatIsNoYamlIsNamedByLineWithoutItsText() {
    assertThatThrownBy(
            () -> read("kind: CalicoAPIConfig\nspec:\n  etcdPassword: geheim\n  x: [geheim\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("calicoctl.cfg is no valid YAML: see line ")
        .hasMessageNotContaining("geheim");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kind: IPPool | is not CalicoAPIConfig",
        "[] | is not an object",
        "{kind: CalicoAPIConfig, spec: {datastoreType: kubernetes}} | use etcdv3",
        "{kind: CalicoAPIConfig, spec: {etcdEndpoint: x}} | spec.etcdEndpoint is unknown",
        "'{' | calicoctl.cfg",
        "{kind: CalicoAPIConfig, spec: {kubeconfig: /k}} | of the Kubernetes datastore",
        "{kind: CalicoAPIConfig, spec: {etcdDiscoverySrv: example.org}} | name the members in etcd",
        "{etcdEndpoints: x, etcdCACertFile: y} | etcdEndpoints belongs below spec",
        "{kind: calicoApiConfig, apiVersion: v1} | is not CalicoAPIConfig",
        "{kind: CalicoAPIConfig, apiVersion: v1} | apiVersion \"v1\" is not projectcalico.org/v3",
        "{kind: CalicoAPIConfig, specs: {}} | specs is unknown",
        "'' | is not an object",
      })
  void whatCannotBeMeantIsRefused(String yaml, String message) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
