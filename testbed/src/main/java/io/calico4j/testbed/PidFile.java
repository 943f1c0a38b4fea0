package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Stops daemons that write their process id to a file. */
final class PidFile {
  private PidFile() {}

  /** Kills the process of a file; none, or one that is gone, is fine. */
  static void kill(Path file) throws IOException {
    if (Files.exists(file)) {
      String pid = Files.readString(file).strip();
      if (pid.matches("[0-9]+")) {
        var unused = Command.of("kill", "-9", pid).run();
      }
    }
  }
}
