package io.calico4j.calicoctl;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code node diags}: what this host's network is, as upstream's command collects it. Files that
 * hold passwords and keys are left out: bird's configuration, and etcd's certificates.
 */
@Command(
    description = "Collects what a question about this host needs, in one file for root only.",
    mixinStandardHelpOptions = true)
final class NodeDiagsCommand implements Callable<Integer> {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

  /** What is asked, by the name of the file that has the answer. */
  private static final Map<String, List<String>> QUESTIONS = new LinkedHashMap<>();

  static {
    QUESTIONS.put("date", List.of("date", "--utc"));
    QUESTIONS.put("uname", List.of("uname", "-a"));
    QUESTIONS.put("addresses", List.of("ip", "-d", "address"));
    QUESTIONS.put("routes", List.of("ip", "route", "show", "table", "all"));
    QUESTIONS.put("rules", List.of("ip", "rule"));
    QUESTIONS.put("neighbours", List.of("ip", "neighbour"));
    QUESTIONS.put("nftables", List.of("nft", "list", "ruleset"));
    QUESTIONS.put("sockets", List.of("ss", "-anp"));
    QUESTIONS.put(
        "sysctls",
        List.of(
            "sh", "-c", "grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf 2>/dev/null"));
    QUESTIONS.put("readiness", List.of("curl", "-s", "http://localhost:9099/readiness"));
    QUESTIONS.put("metrics", List.of("curl", "-s", "http://localhost:9099/metrics"));
  }

  /** How long a question may take. */
  private static final long SECONDS = 20;

  private final Path run;
  private final Clock clock;

  @Option(
      names = "--output-dir",
      description = "where the file is written (default ${DEFAULT-VALUE})",
      defaultValue = "/tmp")
  private String directory = "/tmp";

  @Option(
      names = "--log-dir",
      description = "a directory of logs to be put in, beside calico-node's own")
  private String logs = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  NodeDiagsCommand(Map<String, String> environment, Clock clock) {
    run = Path.of(environment.getOrDefault("CALICO_RUN_DIR", "/run/calico"));
    this.clock = clock;
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    Path work =
        Files.createTempDirectory(
            "calico-diags",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try {
      Path collected = Files.createDirectories(work.resolve("diagnostics"));
      for (Map.Entry<String, List<String>> question : QUESTIONS.entrySet()) {
        out.println("collecting " + question.getKey());
        out.flush();
        ask(question.getValue(), collected.resolve(question.getKey() + ".txt").toFile());
      }
      copyLogs(run, collected.resolve("logs"));
      if (!logs.isEmpty()) {
        copyLogs(Path.of(logs), collected.resolve("more-logs"));
      }
      Path file = Path.of(directory).resolve("diags-" + STAMP.format(clock.instant()) + ".tar.gz");
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      int status =
          ask(
              List.of("tar", "-C", work.toString(), "-czf", file.toString(), "diagnostics"),
              work.resolve("tar.txt").toFile());
      if (status != 0) {
        Files.delete(file);
        throw new IOException("tar has failed: " + Files.readString(work.resolve("tar.txt")));
      }
      out.println("Diags saved to " + file);
      out.flush();
      return 0;
    } finally {
      delete(work);
    }
  }

  /** Runs a program; one that is missing, hangs or fails says so in its file. */
  private static int ask(List<String> command, File answer) throws IOException {
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(new File("/dev/null"))
              .redirectOutput(answer)
              .start();
    } catch (IOException e) {
      Files.writeString(answer.toPath(), command.get(0) + " is not installed\n");
      return 1;
    }
    try {
      if (process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        return process.exitValue();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
    return 1;
  }

  private static void copyLogs(Path from, Path to) throws IOException {
    if (!Files.isDirectory(from)) {
      return;
    }
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(NodeDiagsCommand::isLog).toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  private static boolean isLog(Path file) {
    return Files.isRegularFile(file) && file.getFileName().toString().contains(".log");
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
