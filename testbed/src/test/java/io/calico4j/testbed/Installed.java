package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Where {@code ./verify} has installed what is tested, and where tests write. */
final class Installed {
  private Installed() {}

  static Path distribution() {
    String directory = System.getProperty("calico.distribution", "");
    assertThat(directory).as("run this test with ./verify, which installs first").isNotEmpty();
    return Path.of(directory);
  }

  /** Returns what {@code ./package} has built, by a part of its name. */
  static Path packaged(String part) throws IOException {
    String directory = System.getProperty("calico.packages", "");
    assertThat(directory).as("run this test with ./verify, which packages first").isNotEmpty();
    try (Stream<Path> files = Files.list(Path.of(directory))) {
      return files
          .filter(file -> file.getFileName().toString().contains(part))
          .findFirst()
          .orElseThrow(() -> new IOException(directory + " has no file *" + part + "*"));
    }
  }

  /** Returns an empty directory of a test, whose logs stay when it has ended. */
  static Path freshState(Class<?> test) {
    Path state = Path.of("target/it", test.getSimpleName()).toAbsolutePath();
    try {
      if (Files.exists(state)) {
        try (Stream<Path> files = Files.walk(state)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
      return Files.createDirectories(state);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
