package io.calico4j.node;

import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import io.calico4j.libnetwork.LibnetworkSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What calico-node reads from its environment about this host's Docker, with upstream's names. */
final class DockerSettings {
  private static final int MOST_SECONDS = 999_999;

  private static final Setting<Boolean> ENABLED =
      Setting.of(
          "CALICO_LIBNETWORK_ENABLED",
          ValueType.flag(),
          false,
          "whether Docker's drivers calico and calico-ipam are served");

  private static final Setting<Boolean> PROFILES =
      Setting.of(
          "CALICO_LIBNETWORK_CREATE_PROFILES",
          ValueType.flag(),
          true,
          "whether a network becomes a profile: its members reach each other");

  private static final Setting<Boolean> LABELS =
      Setting.of(
          "CALICO_LIBNETWORK_LABEL_ENDPOINTS",
          ValueType.flag(),
          false,
          "whether a container's labels org.projectcalico.label.NAME become its endpoint's labels"
              + " NAME");

  private static final Setting<Duration> LABEL_TIMEOUT =
      Setting.of(
              "CALICO_LIBNETWORK_LABEL_POLL_TIMEOUT",
              ValueType.strict("a duration such as 5s, 500ms or 1m", DockerSettings::duration),
              Duration.ofSeconds(5),
              "how long Docker is asked at once for a new endpoint's container")
          .orElse("5s");

  private static final Setting<String> PREFIX =
      Setting.of(
          "CALICO_LIBNETWORK_IFPREFIX",
          ValueType.of(
              "1 to 12 letters, digits, dots, _ and dashes",
              text -> Optional.of(text).filter(t -> t.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,11}"))),
          "cali",
          "what the names of interfaces in containers begin with");

  private static final Setting<Integer> MTU =
      Setting.of(
              "CALICO_LIBNETWORK_VETH_MTU",
              ValueType.integer("a number of bytes, 0 for the default", 0, 65_535),
              0,
              "the MTU of containers")
          .orElse("0: what the uplink and the pools allow");

  private static final Setting<Path> PLUGINS =
      Setting.of(
          "CALICO_LIBNETWORK_PLUGIN_DIR",
          ValueType.path(),
          Path.of("/run/docker/plugins"),
          "where Docker looks for calico.sock and calico-ipam.sock");

  private static final Setting<Path> SOCKET =
      Setting.of(
          "CALICO_LIBNETWORK_DOCKER_SOCKET",
          ValueType.path(),
          Path.of("/var/run/docker.sock"),
          "where Docker's API is");

  private static final Setting<Integer> LOOK =
      Setting.of(
          "CALICO_LIBNETWORK_SECONDS",
          ValueType.integer("a number of seconds, 0 for never", 0, MOST_SECONDS),
          10,
          "how often endpoints are compared with Docker's; what Docker lists no more is taken back");

  /** What an operator may set. */
  static final Settings TABLE =
      new Settings(
          "Docker",
          List.of(ENABLED, PROFILES, LABELS, LABEL_TIMEOUT, PREFIX, MTU, PLUGINS, SOCKET, LOOK));

  private DockerSettings() {}

  /** Reads them; empty when Docker is not served. */
  static Optional<LibnetworkSettings> of(Map<String, String> environment) {
    SettingValues values = TABLE.read(environment);
    return values.get(ENABLED)
        ? Optional.of(
            new LibnetworkSettings(
                values.get(PLUGINS),
                values.get(SOCKET),
                values.get(PROFILES),
                values.get(LABELS),
                values.get(LABEL_TIMEOUT),
                values.get(PREFIX),
                values.get(MTU),
                Duration.ofSeconds(values.get(LOOK))))
        : Optional.empty();
  }

  /** Reads a duration as Go writes it, of one unit. */
  private static Duration duration(String text) {
    return switch (text.replaceFirst("^[0-9]{1,6}", "")) {
      case "ms" -> Duration.ofMillis(number(text));
      case "s" -> Duration.ofSeconds(number(text));
      case "m" -> Duration.ofMinutes(number(text));
      default -> throw new IllegalArgumentException(text + " is no duration");
    };
  }

  private static long number(String text) {
    String digits = text.replaceFirst("[a-z]+$", "");
    return Long.parseLong(digits);
  }
}
