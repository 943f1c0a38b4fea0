package io.calico4j.calicoctl;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code node checksystem}: runs {@code calico-node --check} of the installation that calicoctl is
 * of, else of PATH.
 */
@Command(
    description =
        "Shows whether this host has what calico-node needs, with a remedy for what it has not;"
            + " changes nothing. Exits with 1 where something is missing.",
    mixinStandardHelpOptions = true)
final class NodeCheckSystemCommand implements Callable<Integer> {
  private static final String PROGRAM = "calico-node";

  private final List<Path> places;

  @Spec private CommandSpec spec = CommandSpec.create();

  NodeCheckSystemCommand(Map<String, String> environment) {
    this(places(environment));
  }

  /** Makes one that looks for calico-node in directories. */
  NodeCheckSystemCommand(List<Path> places) {
    this.places = places;
  }

  private static List<Path> places(Map<String, String> environment) {
    List<Path> places = new ArrayList<>();
    try {
      // Jars are in lib/ of the installation, programs in bin/.
      Path jar =
          Path.of(
              NodeCheckSystemCommand.class
                  .getProtectionDomain()
                  .getCodeSource()
                  .getLocation()
                  .toURI());
      places.add(jar.resolveSibling("../bin").normalize());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the place of a jar is no URI", e);
    }
    for (String directory : environment.getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
      if (!directory.isEmpty()) {
        places.add(Path.of(directory));
      }
    }
    return places;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path program =
        places.stream()
            .map(place -> place.resolve(PROGRAM))
            .filter(Files::isExecutable)
            .findFirst()
            .orElseThrow(
                () ->
                    new IOException(
                        PROGRAM
                            + " is not installed here: it was looked for in "
                            + String.join(", ", places.stream().map(Path::toString).toList())));
    PrintWriter out = spec.commandLine().getOut();
    Process check =
        new ProcessBuilder(program.toString(), "--check").redirectErrorStream(true).start();
    check.getOutputStream().close();
    try (BufferedReader lines = check.inputReader(StandardCharsets.UTF_8)) {
      lines.lines().forEach(out::println);
    }
    out.flush();
    return check.waitFor();
  }
}
