package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How the launcher is compiled and started: as it is installed, or so that its faults show. */
enum LauncherBuild {
  /** As ./install compiles it. */
  INSTALLED(List.of("-O2", "-static"), List.of()),

  /** With the address and undefined-behaviour sanitizers. */
  SANITIZED(
      List.of("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
      List.of("env", "ASAN_OPTIONS=exitcode=99:strict_string_checks=1")),

  /** Under valgrind's memory checker. */
  VALGRIND(
      List.of("-g", "-O1"), List.of("valgrind", "-q", "--error-exitcode=99", "--leak-check=full"));

  /** The launcher's one source file. */
  static final Path SOURCE = Path.of("../rkt-plugin/src/main/c/calico-launch.c");

  private final List<String> options;
  private final List<String> wrapper;

  LauncherBuild(List<String> options, List<String> wrapper) {
    this.options = options;
    this.wrapper = wrapper;
  }

  private Path home(Path directory) {
    return directory.resolve(name().toLowerCase(Locale.ROOT));
  }

  /** Compiles it below a directory. */
  void compile(Path directory, Duration deadline) throws IOException {
    Files.createDirectories(home(directory).resolve("bin"));
    Files.createDirectories(home(directory).resolve("lib"));
    List<String> gcc = new ArrayList<>(List.of("gcc", "-Wall", "-Wextra", "-Werror"));
    gcc.addAll(options);
    gcc.addAll(
        List.of(
            "-DCALICO_HOME=\"/nonexistent\"",
            "-DDEADLINE_SECONDS=" + deadline.toSeconds(),
            "-o",
            home(directory).resolve("bin/calico").toString(),
            SOURCE.toString()));
    Command.of(gcc.toArray(String[]::new)).mustRun();
  }

  /** Returns the command that runs what was compiled there. */
  List<String> command(Path directory) {
    List<String> command = new ArrayList<>(wrapper);
    command.add(home(directory).resolve("bin/calico").toString());
    return command;
  }

  /** Returns the program it becomes when no agent listens. */
  Path alone(Path directory) {
    return home(directory).resolve("lib/calico-cni");
  }
}
