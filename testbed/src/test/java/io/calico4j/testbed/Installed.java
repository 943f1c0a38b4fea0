package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

/** Where {@code ./verify} has installed what is tested. */
final class Installed {
  private Installed() {}

  static Path distribution() {
    String directory = System.getProperty("calico.distribution", "");
    assertThat(directory).as("run this test with ./verify, which installs first").isNotEmpty();
    return Path.of(directory);
  }
}
