package io.calico4j.libnetwork;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Labels of containers as labels of endpoints. */
class LabelsTest {
  private static final String ENDPOINT = "0123456789ab".repeat(5) + "cdef";
  private static final EndpointId ID = new EndpointId(ENDPOINT);

  @Test
  void aPairIsShutUntilTheLabelsOfItsContainerAreKnown(@TempDir Path directory) throws Exception {
    try (PluginFixture plugin = new PluginFixture(directory, true)) {
      String container = "c".repeat(64);
      String address = plugin.address();
      plugin.create(ENDPOINT, address);
      plugin.join(ENDPOINT, "/run/netns/1");
      plugin.docker.join(PluginFixture.NETWORK, "ep-" + ENDPOINT, ENDPOINT, address);
      plugin.reconciler.look();
      assertThat(plugin.pairs.isShut(ID)).isTrue();
      plugin.docker.leave(PluginFixture.NETWORK, "ep-" + ENDPOINT);
      plugin.docker.addContainer(container, "web", Map.of("org.projectcalico.label.role", "db"));
      plugin.docker.join(PluginFixture.NETWORK, container, ENDPOINT, address);
      plugin.reconciler.look();
      assertThat(plugin.pairs.isShut(ID)).isFalse();
      assertThat(plugin.endpoints().get(0).metadata().labels()).containsEntry("role", "db");
    }
  }

  @Test
  void whatCannotBeALabelIsLeftOut() {
    assertThat(
            ContainerLabels.of(
                new DockerApi.Container(
                    "id",
                    "web",
                    Map.of(
                        "org.projectcalico.label.role", "db",
                        "org.projectcalico.label.example.org/tier", "1",
                        "org.projectcalico.label.empty", "",
                        "org.projectcalico.label.bad value", "x",
                        "org.projectcalico.label.long", "x".repeat(64),
                        "org.projectcalico.label.projectcalico.org/namespace", "kube-system",
                        "org.projectcalico.label.members.calico4j.io/blue", "",
                        "maintainer", "me"))))
        .isEqualTo(Map.of("role", "db", "example.org/tier", "1", "empty", ""));
  }
}
