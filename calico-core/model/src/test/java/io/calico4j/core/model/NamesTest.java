package io.calico4j.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names and keys as upstream derives them. */
class NamesTest {
  @ParameterizedTest
  @CsvSource({
    "host-a, cni, 8f2d, eth0, host--a-cni-8f2d-eth0",
    "n, k8s, my-pod-1, eth0, n-k8s-my--pod--1-eth0",
    "n, libnetwork, libnetwork, ep-1, n-libnetwork-libnetwork-ep--1",
    "a--b, mesos, w, e, a----b-mesos-w-e",
  })
  void partsMakeANameAndBack(
      String node, String orchestrator, String workload, String endpoint, String name) {
    WorkloadEndpointName parts = new WorkloadEndpointName(node, orchestrator, workload, endpoint);
    assertThat(parts.toString()).isEqualTo(name);
    assertThat(WorkloadEndpointName.parse(name)).contains(parts);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a-b-c", "a-b-c-d-e", "-a-b-c", "a-b-c-", "a--b-c-d", "----"})
  void otherTextsAreNoNames(String text) {
    assertThat(WorkloadEndpointName.parse(text)).isEmpty();
  }

  @Property(tries = 300)
  void everyNameIsReadBack(
      @ForAll @Chars({'a', 'b', '-'}) @StringLength(max = 6) String inner,
      @ForAll @CharRange(from = 'x', to = 'z') @StringLength(min = 1, max = 4) String plain) {
    WorkloadEndpointName name =
        new WorkloadEndpointName("a" + inner + "b", plain, plain + inner + "z", "e" + inner + "0");
    assertThat(WorkloadEndpointName.parse(name.toString())).contains(name);
  }

  @Test
  void aPartThatCannotBeReadBackIsRefused() {
    assertThatThrownBy(() -> new WorkloadEndpointName("a", "cni", "-c", "eth0"))
        .hasMessageContaining("workload \"-c\"");
    assertThat(WorkloadEndpointName.prefix("host-a", "cni")).isEqualTo("host--a-cni-");
  }

  @Test
  void statusKeysAreUpstreams() {
    WorkloadEndpointName name = new WorkloadEndpointName("host-a", "cni", "8f2d", "eth0");
    assertThat(StatusKeys.workloadEndpoint("default", name))
        .isEqualTo(
            "/calico/felix/v2/no-region/host/host-a/workload/cni/default%2f8f2d/endpoint/eth0");
    assertThat(StatusKeys.workloadEndpoint("default", name))
        .startsWith(StatusKeys.workloadEndpoints("host-a"));
    assertThat(StatusKeys.alive("a")).isEqualTo("/calico/felix/v2/no-region/host/a/status");
    assertThat(StatusKeys.lastReported("a"))
        .isEqualTo("/calico/felix/v2/no-region/host/a/last_reported_status");
    assertThat(StatusKeys.hostEndpoint("a", "eth0/1"))
        .isEqualTo("/calico/felix/v1/host/a/endpoint/eth0%2f1");
  }

  @ParameterizedTest
  @CsvSource({"a/b, a%2fb", "a%b, a%25b", "a%2fb, a%252fb", "'', ''"})
  void namesAreEscaped(String name, String escaped) {
    assertThat(StatusKeys.escape(name)).isEqualTo(escaped);
    assertThat(StatusKeys.unescape(escaped)).isEqualTo(name);
  }
}
