package io.calico4j.node.etcd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A process of this host that runs etcd on a data directory, whoever started it. Found by looking
 * through /proc (see proc(5)) for a process of the same user in the same network namespace whose
 * command line names the data directory; so no file that could be old says which process it is.
 *
 * @param process the process
 * @param arguments its command line
 * @param authority the value of {@link #AUTHORITY_VARIABLE} that it was started with; empty if none
 * @param replaced whether its program's file has been replaced since
 */
record RunningEtcd(
    ProcessHandle process, List<String> arguments, String authority, boolean replaced) {
  /** A variable that tells which authority an etcd has read when it started. */
  static final String AUTHORITY_VARIABLE = "CALICO_ETCD_AUTHORITY";

  private static final Path PROC = Path.of("/proc");
  private static final int STOP_SECONDS = 10;

  /** Finds the one on a data directory. */
  static Optional<RunningEtcd> on(Path dataDirectory) throws IOException {
    String argument = dataArgument(dataDirectory);
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path directory : processes) {
        Optional<RunningEtcd> found = read(directory, argument);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  /** Returns the argument by which an etcd on a data directory is known. */
  static String dataArgument(Path dataDirectory) {
    return "--data-dir=" + dataDirectory;
  }

  private static Optional<RunningEtcd> read(Path directory, String argument) {
    try {
      List<String> arguments = strings(directory.resolve("cmdline"));
      if (arguments.isEmpty()
          || !Path.of(arguments.get(0)).endsWith("etcd")
          || !arguments.contains(argument)
          || !Files.getAttribute(directory, "unix:uid")
              .equals(Files.getAttribute(PROC.resolve("self"), "unix:uid"))
          || !Files.readSymbolicLink(directory.resolve("ns/net"))
              .equals(Files.readSymbolicLink(PROC.resolve("self/ns/net")))) {
        return Optional.empty();
      }
      String prefix = AUTHORITY_VARIABLE + "=";
      String authority =
          strings(directory.resolve("environ")).stream()
              .filter(variable -> variable.startsWith(prefix))
              .map(variable -> variable.substring(prefix.length()))
              .findFirst()
              .orElse("");
      boolean replaced =
          Files.readSymbolicLink(directory.resolve("exe")).toString().endsWith(" (deleted)");
      return ProcessHandle.of(Long.parseLong(directory.getFileName().toString()))
          .map(process -> new RunningEtcd(process, arguments, authority, replaced));
    } catch (IOException e) {
      // It has ended meanwhile, or it is no process of this user.
      return Optional.empty();
    }
  }

  private static List<String> strings(Path file) throws IOException {
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    List<String> strings = new ArrayList<>(List.of(text.split("\0", -1)));
    strings.remove(strings.size() - 1);
    return strings;
  }

  /** Tells whether a process runs; one that has ended and that nobody has waited for does not. */
  static boolean isAlive(ProcessHandle process) {
    try {
      return process.isAlive()
          && Files.readAllBytes(PROC.resolve(process.pid() + "/cmdline")).length != 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Ends it and waits for its end; by force when it takes longer than {@value #STOP_SECONDS} s. */
  void stop() throws InterruptedException {
    boolean asked = process.destroy();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
    while (isAlive(process)) {
      if (!asked || System.nanoTime() > end) {
        asked = true;
        boolean unused = process.destroyForcibly();
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
