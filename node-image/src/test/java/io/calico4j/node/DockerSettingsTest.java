package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What calico-node reads about this host's Docker. */
class DockerSettingsTest {
  private static final Pattern VARIABLE = Pattern.compile("CALICO_LIBNETWORK_[A-Z_]+");

  @Test
  void dockerIsServedOnlyWhenAskedFor() {
    assertThat(DockerSettings.of(Map.of("CALICO_LIBNETWORK_LABEL_ENDPOINTS", "true"))).isEmpty();
    assertThat(
            DockerSettings.of(
                    Map.of(
                        "CALICO_LIBNETWORK_ENABLED",
                        "true",
                        "CALICO_LIBNETWORK_LABEL_POLL_TIMEOUT",
                        "2m"))
                .orElseThrow()
                .labelTimeout())
        .isEqualTo(Duration.ofMinutes(2));
  }

  @Test
  void thePluginsReadmeNamesEveryVariableAndNoOther() throws Exception {
    String readme = Files.readString(Path.of("../libnetwork-plugin/README.md"));
    Set<String> named =
        VARIABLE.matcher(readme).results().map(MatchResult::group).collect(Collectors.toSet());
    Set<String> read = new TreeSet<>();
    DockerSettings.TABLE.all().forEach(setting -> read.add(setting.name()));
    assertThat(named).isEqualTo(read);
  }
}
