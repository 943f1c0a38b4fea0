package io.calico4j.felix.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.resource.ResourceCodec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files plugins find, and what is in them. */
class StatusFilesTest {
  private static final String OWNER =
      "{\"node\":\"host-a\",\"orchestrator\":\"k8s\",\"pod\":\"web-1\",\"endpoint\":\"eth0\"";

  private final StatusFiles files = new StatusFiles();

  @TempDir private Path prefix;

  private static StatusFile file(String name, String content) {
    return new StatusFile(name, content);
  }

  private Map<String, String> present() throws Exception {
    Map<String, String> present = new TreeMap<>();
    try (Stream<Path> all = Files.list(prefix.resolve("endpoint-status"))) {
      for (Path each : all.toList()) {
        present.put(each.getFileName().toString(), Files.readString(each));
      }
    }
    return present;
  }

  @Test
  void comeAndGoWithTheirEndpoints() throws Exception {
    assertThat(files.put(Optional.of(prefix), List.of(file("a", "1"), file("b", "2")))).isTrue();
    assertThat(present()).isEqualTo(Map.of("a", "1", "b", "2"));
    assertThat(files.put(Optional.of(prefix), List.of(file("b", "3")))).isTrue();
    assertThat(present()).isEqualTo(Map.of("b", "3"));
  }

  @Test
  void staleOnesGoAtStartAndDirectoriesStay() throws Exception {
    Path own = Files.createDirectories(prefix.resolve("endpoint-status"));
    Files.writeString(own.resolve("stale"), "x");
    Files.writeString(own.resolve(".unfinished"), "x");
    Files.writeString(own.resolve("a"), "of an earlier agent");
    assertThat(files.put(Optional.of(prefix), List.of(file("a", "1")))).isTrue();
    assertThat(present()).isEqualTo(Map.of("a", "1"));
  }

  @Test
  void anotherPrefixMovesThemAndNoneRemovesThem() throws Exception {
    Path other = prefix.resolve("other");
    assertThat(files.put(Optional.of(prefix), List.of(file("a", "1")))).isTrue();
    assertThat(files.put(Optional.of(other), List.of(file("a", "1")))).isTrue();
    assertThat(present()).isEmpty();
    assertThat(other.resolve("endpoint-status/a")).hasContent("1");
    assertThat(files.put(Optional.empty(), List.of(file("a", "1")))).isTrue();
    assertThat(other.resolve("endpoint-status")).isEmptyDirectory();
  }

  @Test
  void aNameThatIsTooLongLeavesOthersAlone() throws Exception {
    List<StatusFile> wanted = List.of(file("a".repeat(256), "1"), file("b", "2"));
    assertThat(files.put(Optional.of(prefix), wanted)).isFalse();
    assertThat(present()).isEqualTo(Map.of("b", "2"));
  }

  private static Resource<WorkloadEndpointSpec> endpoint(String name, String spec)
      throws Exception {
    String key = "/calico/resources/v3/projectcalico.org/workloadendpoints/default/" + name;
    return ResourceCodec.decode(
        ResourceKind.WORKLOAD_ENDPOINT,
        new Entry(
            key,
            """
            {"apiVersion":"projectcalico.org/v3","kind":"WorkloadEndpoint",
             "metadata":{"namespace":"default","name":"%s"},"spec":%s}
            """
                .formatted(name, spec),
            1));
  }

  @Test
  void aFileIsNamedByItsEndpointAndSaysItsAddresses() throws Exception {
    var endpoint =
        endpoint(
            "host--a-k8s-web--1-eth0",
            OWNER
                + ",\"interfaceName\":\"cali1\",\"mac\":\"ee:ee:ee:ee:ee:ee\","
                + "\"ipNetworks\":[\"10.65.0.2/32\",\"fd00::2/128\"]}");
    assertThat(StatusFile.of(endpoint, "rack"))
        .hasValue(
            new StatusFile(
                "k8s default%2Fweb-1 eth0",
                "{\"ifaceName\":\"cali1\",\"mac\":\"ee:ee:ee:ee:ee:ee\","
                    + "\"ipv4Nets\":[\"10.65.0.2/32\"],\"ipv6Nets\":[\"fd00::2/128\"],"
                    + "\"bgpPeerName\":\"rack\"}"));
    assertThat(StatusFile.of(endpoint("host--a-k8s-web--1-eth0", OWNER + "}"), null))
        .hasValue(new StatusFile("k8s default%2Fweb-1 eth0", "{}"));
  }
}
