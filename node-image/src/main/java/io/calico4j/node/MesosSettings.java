package io.calico4j.node;

import io.calico4j.mesos.AgentAccess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What calico-node reads from its environment about this host's Mesos agent.
 *
 * @param access CALICO_MESOS_AGENT, its URL; with CALICO_MESOS_CA_CERT_FILE, CALICO_MESOS_USERNAME
 *     and CALICO_MESOS_PASSWORD
 * @param lookSeconds CALICO_MESOS_SECONDS, 10: how often the agent is asked
 * @param graceSeconds CALICO_MESOS_GRACE_SECONDS, 60: how long a container must be unlisted
 */
record MesosSettings(AgentAccess access, int lookSeconds, int graceSeconds) {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  /** Reads them; empty when no agent is named: the reconciler is off. */
  static Optional<MesosSettings> of(Map<String, String> environment) {
    String url = environment.getOrDefault("CALICO_MESOS_AGENT", "");
    if (url.isEmpty()) {
      return Optional.empty();
    }
    String caFile = environment.getOrDefault("CALICO_MESOS_CA_CERT_FILE", "");
    try {
      return Optional.of(
          new MesosSettings(
              new AgentAccess(
                  AgentAccess.parse(url),
                  caFile.isEmpty() ? Optional.empty() : Optional.of(Path.of(caFile)),
                  environment.getOrDefault("CALICO_MESOS_USERNAME", ""),
                  environment.getOrDefault("CALICO_MESOS_PASSWORD", ""),
                  TIMEOUT),
              seconds(environment, "CALICO_MESOS_SECONDS", 10),
              seconds(environment, "CALICO_MESOS_GRACE_SECONDS", 60)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("CALICO_MESOS_…: " + e.getMessage(), e);
    }
  }

  private static int seconds(Map<String, String> environment, String name, int absent) {
    String text = environment.getOrDefault(name, Integer.toString(absent));
    if (!text.matches("[0-9]{1,6}") || Integer.parseInt(text) == 0) {
      throw new IllegalArgumentException(
          name + " \"" + text + "\" must be a number of seconds, at least 1");
    }
    return Integer.parseInt(text);
  }
}
