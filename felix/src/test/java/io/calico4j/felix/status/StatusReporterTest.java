package io.calico4j.felix.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.felix.config.FelixConfig;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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

  private static FelixConfig config(String interval, boolean endpoints) {
    return FelixConfig.resolve(
        List.of(
            FelixSource.environment(
                Map.of(
                    "FELIX_REPORTINGINTERVALSECS",
                    interval,
                    "FELIX_REPORTINGTTLSECS",
                    "90",
                    "FELIX_ENDPOINTREPORTINGENABLED",
                    Boolean.toString(endpoints)))));
  }

  private static long seconds(long seconds) {
    return TimeUnit.SECONDS.toNanos(seconds);
  }

  private String value(String key) {
    return datastore.get(key).map(Entry::value).orElse("(none)");
  }

  @Test
  void reportsThatItIsAliveOnceInAnInterval() {
    reporter.report(seconds(5), NOON, config("30", false), Map.of());
    String first = "{\"time\":\"2026-11-24T12:00:00Z\",\"uptime\":5.0,\"first_update\":true}";
    assertThat(value(ALIVE)).isEqualTo(first);
    assertThat(value(LAST)).isEqualTo(first);

    reporter.report(seconds(20), NOON, config("30", false), Map.of());
    assertThat(value(ALIVE)).isEqualTo(first);

    reporter.report(seconds(35), NOON, config("30", false), Map.of());
    assertThat(value(ALIVE)).contains("\"uptime\":35.0", "\"first_update\":false");
  }

  @Test
  void reportsNothingWhenTheIntervalIsZero() {
    reporter.report(seconds(5), NOON, config("0", false), Map.of(WEB, true));
    assertThat(datastore.list("/").entries()).isEmpty();
  }

  @Test
  void reportsEndpointsOnlyWhereThatIsEnabled() {
    reporter.report(seconds(5), NOON, config("30", false), Map.of(WEB, true));
    assertThat(value(WEB)).isEqualTo("(none)");
    reporter.report(seconds(6), NOON, config("30", true), Map.of(WEB, true));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"up\"}");
    reporter.report(seconds(7), NOON, config("30", true), Map.of(WEB, false));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"down\"}");
    reporter.report(seconds(8), NOON, config("30", true), Map.of());
    assertThat(value(WEB)).isEqualTo("(none)");
  }

  @Test
  void putsRightOnceInAnIntervalWhatOthersChanged() throws Exception {
    String unknown = StatusKeys.workloadEndpoints("host-a") + "cni/x/endpoint/eth0";
    datastore.commit(Transaction.builder().put(unknown, "{}").build());
    reporter.report(seconds(5), NOON, config("30", true), Map.of(WEB, true));
    assertThat(value(unknown)).isEqualTo("(none)");
    datastore.commit(Transaction.builder().delete(WEB).build());
    reporter.report(seconds(6), NOON, config("30", true), Map.of(WEB, true));
    assertThat(value(WEB)).isEqualTo("(none)");
    reporter.report(seconds(40), NOON, config("30", true), Map.of(WEB, true));
    assertThat(value(WEB)).isEqualTo("{\"status\":\"up\"}");
  }
}
