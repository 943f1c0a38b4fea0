package io.calico4j.rkt;

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

class RktPodsTest {
  private static final String POD = "6a1c3f0e-52a1-4c6f-9c0d-0f6f3a1b2c3d";
  private static final ContainerTrace TRACE =
      new ContainerTrace(
          new EndpointIdentity(
              "calico", new NodeName("host-a"), "default", "cni", POD, new InterfaceName("eth0")),
          "rkt",
          "/var/run/netns/cni-" + POD);

  @TempDir Path data;

  @Test
  void withoutRktsDirectoryNothingIsCertain() {
    assertThat(new RktPods(data).of(TRACE)).isEqualTo(Verdict.UNSURE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"embryo", "prepare", "prepared", "run", "exited-garbage", "garbage"})
  void aPodInAnyStateIsStillToBeDetachedByRkt(String state) throws IOException {
    Files.createDirectories(data.resolve("pods/run"));
    Files.createDirectories(data.resolve("pods").resolve(state).resolve(POD));
    assertThat(new RktPods(data).of(TRACE)).isEqualTo(Verdict.KNOWN);
  }

  @Test
  void aPodInNoStateIsGone() throws IOException {
    Files.createDirectories(data.resolve("pods/run/another"));
    assertThat(new RktPods(data).of(TRACE)).isEqualTo(Verdict.GONE);
  }
}
