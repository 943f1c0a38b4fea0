package io.calico4j.node;

import io.calico4j.core.setting.Settings;
import java.util.List;
import java.util.stream.Collectors;

/** All that an operator may set by calico-node's environment: a table for each component. */
final class NodeTables {
  /** The tables, in the order in which they are documented. */
  static final List<Settings> ALL =
      List.of(
          NodeSettings.TABLE,
          EtcdSettings.TABLE,
          StandaloneSettings.TABLE,
          MesosSettings.TABLE,
          DockerSettings.TABLE,
          MetricsSettings.TABLE);

  private NodeTables() {}

  /** Returns them for a terminal. */
  static String help() {
    return ALL.stream().map(Settings::help).collect(Collectors.joining("\n"));
  }

  /** Returns them for the README. */
  static String markdown() {
    return ALL.stream().map(Settings::markdown).collect(Collectors.joining("\n"));
  }
}
