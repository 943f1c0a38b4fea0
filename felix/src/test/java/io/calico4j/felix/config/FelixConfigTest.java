package io.calico4j.felix.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.FelixConfigurationSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who decides a parameter, and what its text means. */
class FelixConfigTest {
  private static FelixConfigurationSpec spec(@Nullable String action, @Nullable String interval) {
    return new FelixConfigurationSpec(null, action, null, null, null, null, interval, null, null);
  }

  @Test
  void theEnvironmentBeatsTheNodeAndTheNodeBeatsTheCluster() {
    FelixConfigurationSpec node = spec("Return", null);
    FelixConfigurationSpec cluster = spec("Accept", "30s");
    assertThat(FelixConfig.resolve(Map.of(), List.of())).isEqualTo(FelixConfig.DEFAULTS);
    assertThat(FelixConfig.resolve(Map.of(), List.of(node, cluster)))
        .isEqualTo(
            new FelixConfig(
                "RETURN",
                "calico-packet",
                Duration.ofSeconds(30),
                Duration.ofSeconds(90),
                Duration.ofSeconds(30),
                Duration.ofSeconds(90),
                false));
    assertThat(
            FelixConfig.resolve(
                    Map.of("felix_DEFAULTENDPOINTTOHOSTACTION", "drop"), List.of(node, cluster))
                .endpointToHostAction())
        .isEqualTo("DROP");
  }

  @ParameterizedTest
  @CsvSource({
    "5,5000",
    "0,0",
    "0s,0",
    "1m30s,90000",
    "250ms,250",
    "1.5h,5400000",
    "soon,180000",
    "10 s,180000",
    "5s5,180000",
    "-3s,180000"
  })
  void intervalsAreSecondsOrGoDurationsAndNonsenseIsTheDefault(String text, long millis) {
    assertThat(FelixConfig.resolve(Map.of(), List.of(spec(null, text))).rulesRefreshInterval())
        .hasMillis(millis);
  }

  @Test
  void anUnknownActionIsNotSet() {
    assertThat(
            FelixConfig.resolve(Map.of(), List.of(spec("Explode", null), spec("Accept", null)))
                .endpointToHostAction())
        .isEqualTo("ACCEPT");
  }
}
