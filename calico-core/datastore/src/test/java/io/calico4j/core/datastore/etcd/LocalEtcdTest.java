package io.calico4j.core.datastore.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which etcd a program on an agent's host speaks to. */
class LocalEtcdTest {
  @TempDir private Path lib;

  private void left(String endpoints) throws Exception {
    Files.writeString(
        lib.resolve("etcd.env"),
        "ETCD_CA_CERT=-----BEGIN\\nxy\nETCD_KEY_FILE=/k\nETCD_ENDPOINTS=" + endpoints + "\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "http://127.0.0.1:2379", "http://localhost:2379/", "http://[::1]"})
  void theAgentsIsTakenWhenItIsMeant(String endpoints) throws Exception {
    left("https://127.0.0.1:2379");
    assertThat(LocalEtcd.complete(Map.of("ETCD_ENDPOINTS", endpoints), lib))
        .isEqualTo(
            Map.of(
                "ETCD_ENDPOINTS", "https://127.0.0.1:2379",
                "ETCD_KEY_FILE", "/k",
                "ETCD_CA_CERT", "-----BEGIN\nxy"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://127.0.0.1:2479",
        "http://192.0.2.2:2379",
        "http://127.0.0.1:2379,http://192.0.2.2:2379"
      })
  void anotherIsLeftAlone(String endpoints) throws Exception {
    left("https://127.0.0.1:2379");
    Map<String, String> given = Map.of("ETCD_ENDPOINTS", endpoints);
    assertThat(LocalEtcd.complete(given, lib)).isEqualTo(given);
  }

  @Test
  void ownCertificatesAreLeftAlone() throws Exception {
    left("https://127.0.0.1:2379");
    Map<String, String> given =
        Map.of("ETCD_ENDPOINTS", "https://127.0.0.1:2379", "ETCD_CERT_FILE", "/mine");
    assertThat(LocalEtcd.complete(given, lib)).isEqualTo(given);
  }

  @Test
  void aPlainEtcdOfTheHostIsLeftAlone() throws Exception {
    left("http://192.0.2.2:2379");
    Map<String, String> given = Map.of("ETCD_ENDPOINTS", "http://127.0.0.1:2379");
    assertThat(LocalEtcd.complete(given, lib)).isEqualTo(given);
    assertThat(LocalEtcd.complete(Map.of(), lib))
        .containsEntry("ETCD_ENDPOINTS", "http://192.0.2.2:2379");
  }

  @Test
  void withoutAnAgentNothingChangesAndAnUnreadableFileIsNamed() throws Exception {
    assertThat(LocalEtcd.complete(Map.of(), lib)).isEmpty();
    Files.createDirectory(lib.resolve("etcd.env"));
    assertThatThrownBy(() -> LocalEtcd.complete(Map.of(), lib))
        .hasMessageContaining("etcd.env cannot be read")
        .hasMessageContaining("set ETCD_ENDPOINTS");
  }
}
