package io.calico4j.node;

import io.calico4j.core.setting.Origin;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import java.util.List;
import java.util.Map;

/**
 * Whether and where metrics are served on a port of their own.
 *
 * @param enabled whether they are
 * @param host where
 * @param port at which port
 */
record MetricsSettings(boolean enabled, String host, int port) {
  private static final Setting<Boolean> ENABLED =
      Setting.of(
              "FELIX_PROMETHEUSMETRICSENABLED",
              ValueType.flag(),
              false,
              "whether /metrics has a port of its own too")
          .from(Origin.FELIX_ENVIRONMENT)
          .lenient();

  private static final Setting<String> HOST =
      Setting.of(
              "FELIX_PROMETHEUSMETRICSHOST",
              ValueType.text("a host's name or address"),
              "localhost",
              "where that port is")
          .from(Origin.FELIX_ENVIRONMENT);

  private static final Setting<Integer> PORT =
      Setting.of("FELIX_PROMETHEUSMETRICSPORT", ValueType.port(), 9091, "that port")
          .from(Origin.FELIX_ENVIRONMENT);

  /** What an operator may set. */
  static final Settings TABLE = new Settings("Prometheus", List.of(ENABLED, HOST, PORT));

  static MetricsSettings of(Map<String, String> environment) {
    SettingValues values = TABLE.read(environment);
    return new MetricsSettings(values.get(ENABLED), values.get(HOST), values.get(PORT));
  }
}
