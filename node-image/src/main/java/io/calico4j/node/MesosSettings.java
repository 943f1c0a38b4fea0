package io.calico4j.node;

import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import io.calico4j.mesos.AgentAccess;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What calico-node reads from its environment about this host's Mesos agent.
 *
 * @param access where the agent answers
 * @param lookSeconds how often it is asked
 * @param graceSeconds how long a container must be unlisted
 */
record MesosSettings(AgentAccess access, int lookSeconds, int graceSeconds) {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private static final Setting<Optional<URI>> AGENT =
      Setting.of(
              "CALICO_MESOS_AGENT",
              ValueType.strict(
                      "an agent's address such as http://127.0.0.1:5051",
                      text -> Optional.of(checked(text)))
                  .showing(AgentAccess::withoutUser),
              Optional.<URI>empty(),
              "the Mesos agent's URL")
          .orElse("empty: off");

  private static final Setting<Integer> LOOK =
      Setting.of(
          "CALICO_MESOS_SECONDS", seconds(), 10, "how often it is asked; the first time at once");

  private static final Setting<Integer> GRACE =
      Setting.of(
          "CALICO_MESOS_GRACE_SECONDS", seconds(), 60, "how long a container must be unlisted");

  private static final Setting<Optional<Path>> CA_FILE =
      Setting.of(
              "CALICO_MESOS_CA_CERT_FILE",
              ValueType.strict("a path", text -> Optional.of(Path.of(text))),
              Optional.<Path>empty(),
              "PEM certificates that https is verified with")
          .orElse("the system's");

  private static final Setting<String> USER =
      Setting.of(
          "CALICO_MESOS_USERNAME", ValueType.text("any text"), "", "for HTTP basic authentication");

  private static final Setting<String> PASSWORD =
      Setting.of("CALICO_MESOS_PASSWORD", ValueType.secret("any text"), "", "that user's");

  /** What an operator may set. */
  static final Settings TABLE =
      new Settings("Mesos", List.of(AGENT, LOOK, GRACE, CA_FILE, USER, PASSWORD));

  /** Reads them; empty when no agent is named: the reconciler is off. */
  static Optional<MesosSettings> of(Map<String, String> environment) {
    SettingValues values = TABLE.read(environment);
    return values
        .get(AGENT)
        .map(
            url ->
                new MesosSettings(
                    new AgentAccess(
                        url, values.get(CA_FILE), values.get(USER), values.get(PASSWORD), TIMEOUT),
                    values.get(LOOK),
                    values.get(GRACE)));
  }

  private static URI checked(String text) {
    return new AgentAccess(AgentAccess.parse(text), Optional.empty(), "", "", TIMEOUT).url();
  }

  private static ValueType<Integer> seconds() {
    return ValueType.integer("a number of seconds, at least 1", 1, 999_999);
  }
}
