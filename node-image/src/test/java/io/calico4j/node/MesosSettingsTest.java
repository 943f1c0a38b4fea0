package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.name.NodeName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MesosSettingsTest {
  @Test
  void withoutAnAgentTheReconcilerIsOff() {
    assertThat(MesosSettings.of(Map.of())).isEmpty();
  }

  @Test
  void anAgentIsEnough() {
    MesosSettings settings =
        MesosSettings.of(
                Map.of("CALICO_MESOS_AGENT", "http://127.0.0.1:5051", "CALICO_MESOS_PASSWORD", "x"))
            .orElseThrow();
    assertThat(settings.lookSeconds()).isEqualTo(10);
    assertThat(settings.graceSeconds()).isEqualTo(60);
    assertThat(settings.access()).hasToString("http://127.0.0.1:5051");
  }

  @ParameterizedTest
  @CsvSource({
    "CALICO_MESOS_AGENT,agent:5051",
    "CALICO_MESOS_AGENT,http://a b",
    "CALICO_MESOS_SECONDS,0",
    "CALICO_MESOS_GRACE_SECONDS,soon",
  })
  void whatMakesNoSenseIsNamed(String variable, String value) {
    Map<String, String> environment =
        new java.util.TreeMap<>(Map.of("CALICO_MESOS_AGENT", "http://127.0.0.1:5051"));
    environment.put(variable, value);
    assertThatThrownBy(() -> MesosSettings.of(environment))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("CALICO_MESOS_")
        .hasMessageContaining(value);
  }

  /** Form: mesos/src/common/attributes.cpp, NAME:VALUE joined by semicolons. */
  @Test
  void theAttributesAreThoseOfAnAgent(@TempDir Path directory) throws Exception {
    MesosAttributes.write(directory, new NodeName("host-a.example.org"));
    MesosAttributes.write(directory, new NodeName("host-b"));
    String text = Files.readString(directory.resolve("mesos-attributes"));
    assertThat(text).isEqualTo("calico:v3;calico_node:host-b\n");
    assertThat(text.strip().split(";")).allMatch(a -> a.matches("[a-z_]+:[a-zA-Z0-9_/.-]+"));
    assertThat(directory.toFile().list()).containsExactly("mesos-attributes");
  }
}
