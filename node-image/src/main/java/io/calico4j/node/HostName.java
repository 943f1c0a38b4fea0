package io.calico4j.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The host's own name, as the kernel has it: no resolver is asked, which may not know it. */
final class HostName {
  /** As uname(2) returns it, of this process's UTS namespace. */
  private static final Path KERNEL = Path.of("/proc/sys/kernel/hostname");

  private HostName() {}

  /** Returns the name in lower case, as upstream has names of nodes. */
  static String read() throws IOException {
    return Files.readString(KERNEL).strip().toLowerCase(Locale.ROOT);
  }
}
