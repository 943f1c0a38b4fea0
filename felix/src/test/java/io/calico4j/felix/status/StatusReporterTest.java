package io.calico4j.felix.status;

import static io.calico4j.felix.status.EndpointStatus.DOWN;
import static io.calico4j.felix.status.EndpointStatus.ERROR;
import static io.calico4j.felix.status.EndpointStatus.UP;
import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.felix.config.StatusParameters;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StatusReporterTest {
  private static final Instant NOON = Instant.parse("2026-11-24T12:00:00.7Z");
  private static final String ALIVE = "/calico/felix/v2/no-region/host/host-a/status";
  private static final String LAST = "/calico/felix/v2/no-region/host/host-a/last_reported_status";
  private static final String WEB =
      StatusKeys.workloadEndpoint(
          "default", new WorkloadEndpointName("host-a", "cni", "web", "eth0"));

  private final MemoryDatastore datastore = new MemoryDatastore();
  private final StatusReporter reporter = new StatusReporter(datastore, "host-a", 0);

  @AfterEach
  void close() {
    datastore.close();
  }

  private static StatusParameters config(int interval, boolean endpoints, int delay) {
    return new StatusParameters(
        Duration.ofSeconds(interval),
        Duration.ofSeconds(90),
        endpoints,
        Duration.ofSeconds(delay),
        Optional.empty());
  }

  private static StatusParameters config(int interval, boolean endpoints) {
    return config(interval, endpoints, 0);
  }

  private static long seconds(long seconds) {
    return TimeUnit.SECONDS.toNanos(seconds);
  }

  private String value(String key) {
    return datastore.get(key).map(Entry::value).orElse("(none)");
  }

  private void report(
      long seconds, StatusParameters config, Map<String, EndpointStatus> endpoints) {
    var unused = reporter.report(seconds(seconds), NOON, config, endpoints);
  }

  @Test
  void reportsThatItIsAliveOnceInAnInterval() {
    report(5, config(30, false), Map.of());
    String first = "{\"time\":\"2026-11-24T12:00:00Z\",\"uptime\":5.0,\"first_update\":true}";
    assertThat(value(ALIVE)).isEqualTo(first);
    assertThat(value(LAST)).isEqualTo(first);

    report(20, config(30, false), Map.of());
    assertThat(value(ALIVE)).isEqualTo(first);

    report(35, config(30, false), Map.of());
    assertThat(value(ALIVE)).contains("\"uptime\":35.0", "\"first_update\":false");
  }

  @Test
  void reportsNothingWhenTheIntervalIsZero() {
    report(5, config(0, false), Map.of(WEB, UP));
    assertThat(datastore.list("/").entries()).isEmpty();
  }

  @Test
  void reportsEndpointsOnlyWhereThatIsEnabled() {
    report(5, config(30, false), Map.of(WEB, UP));
    assertThat(value(WEB)).isEqualTo("(none)");
    report(6, config(30, true), Map.of(WEB, UP));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"up\"}");
    report(7, config(30, true), Map.of(WEB, DOWN));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"down\"}");
    report(8, config(30, true), Map.of());
    assertThat(value(WEB)).isEqualTo("(none)");
  }

  @Test
  void putsRightOnceInAnIntervalWhatOthersChanged() throws Exception {
    String unknown = StatusKeys.workloadEndpoints("host-a") + "cni/x/endpoint/eth0";
    datastore.commit(Transaction.builder().put(unknown, "{}").build());
    report(5, config(30, true), Map.of(WEB, UP));
    assertThat(value(unknown)).isEqualTo("(none)");
    datastore.commit(Transaction.builder().delete(WEB).build());
    report(6, config(30, true), Map.of(WEB, UP));
    assertThat(value(WEB)).isEqualTo("(none)");
    report(40, config(30, true), Map.of(WEB, UP));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"up\"}");
  }

  private static String host(String name) {
    return StatusKeys.hostEndpoint("host-a", name);
  }

  @Test
  void hostEndpointsHaveKeysOfTheirOwn() throws Exception {
    datastore.commit(Transaction.builder().put(host("gone"), "{}").build());
    report(5, config(30, true), Map.of(host("eth0"), ERROR));
    assertThat(host("eth0")).isEqualTo("/calico/felix/v1/host/host-a/endpoint/eth0");
    assertThat(value(host("eth0"))).isEqualTo("{\"status\":\"error\"}");
    assertThat(value(host("gone"))).isEqualTo("(none)");
  }

  @Test
  void writesOneKeyAtATimeAndLeavesTheDelayBetween() {
    Map<String, EndpointStatus> two = Map.of(host("a"), UP, host("b"), DOWN);
    StatusParameters config = config(0, true, 2);
    assertThat(reporter.report(seconds(5), NOON, config, two)).hasValue(Duration.ofSeconds(2));
    assertThat(value(host("a"))).isEqualTo("{\"status\":\"up\"}");
    assertThat(value(host("b"))).isEqualTo("(none)");
    assertThat(reporter.report(seconds(6), NOON, config, two)).hasValue(Duration.ofSeconds(1));
    assertThat(value(host("b"))).isEqualTo("(none)");
    assertThat(reporter.report(seconds(7), NOON, config, two)).isEmpty();
    assertThat(value(host("b"))).isEqualTo("{\"status\":\"down\"}");
  }

  @Test
  void anEndpointThatKeepsChangingDoesNotHoldUpOthers() {
    StatusParameters config = config(0, true, 1);
    report(1, config, Map.of(host("a"), UP, host("b"), UP));
    report(2, config, Map.of(host("a"), DOWN, host("b"), UP));
    assertThat(value(host("b"))).isEqualTo("{\"status\":\"up\"}");
    report(3, config, Map.of(host("a"), DOWN));
    assertThat(value(host("a"))).isEqualTo("{\"status\":\"down\"}");
    report(4, config, Map.of(host("a"), UP));
    assertThat(value(host("b"))).isEqualTo("(none)");
  }
}
