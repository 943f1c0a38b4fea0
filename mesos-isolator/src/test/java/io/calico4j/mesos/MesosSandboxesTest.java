package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.endpoint.ContainerLiveness.Verdict;
import io.calico4j.core.endpoint.ContainerTrace;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MesosSandboxesTest {
  private static final String CONTAINER = "c1d9c7f4-6e5d-4f0b-8a86-6f6f5d1a2b33";

  @TempDir Path directory;

  private Verdict verdict(String sandbox) {
    return new MesosSandboxes()
        .of(
            new ContainerTrace(
                new EndpointIdentity(
                    "net",
                    new NodeName("host-a"),
                    "default",
                    "cni",
                    CONTAINER,
                    new InterfaceName("eth0")),
                "mesos",
                sandbox));
  }

  private String sandbox() {
    return directory.resolve("root").resolve(CONTAINER).resolve("ns").toString();
  }

  @Test
  void withoutTheIsolatorsRootNothingIsCertain() {
    assertThat(verdict(sandbox())).isEqualTo(Verdict.UNSURE);
  }

  @Test
  void aContainerWithADirectoryIsStillToBeDetachedByTheAgent() throws IOException {
    Files.createDirectories(directory.resolve("root").resolve(CONTAINER));
    assertThat(verdict(sandbox())).isEqualTo(Verdict.KNOWN);
  }

  @Test
  void aContainerWithoutDirectoryIsGone() throws IOException {
    Files.createDirectories(directory.resolve("root"));
    assertThat(verdict(sandbox())).isEqualTo(Verdict.GONE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "/", "ns", "/proc/4711/ns/net", "/run/netns/other", "/tmp/other/ns", "\0"})
  void aSandboxThatIsNoneOfTheIsolatorsSaysNothing(String sandbox) {
    assertThat(verdict(sandbox)).isEqualTo(Verdict.UNSURE);
  }
}
