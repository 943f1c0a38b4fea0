package io.calico4j.testbed;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Runs a real program and waits for it, at most a minute. */
public record Command(List<String> arguments, Map<String, String> environment, String input) {
  private static final int TIMEOUT_SECONDS = 60;

  /** Copies the collections. */
  public Command {
    arguments = List.copyOf(arguments);
    environment = Map.copyOf(environment);
  }

  /** Makes a command with the environment of this process and no input. */
  public static Command of(String... arguments) {
    return new Command(List.of(arguments), new TreeMap<>(System.getenv()), "");
  }

  /**
   * What a program answered.
   *
   * @param exitCode its exit status
   * @param standardOutput what it wrote there
   * @param standardError what it wrote there
   */
  public record Outcome(int exitCode, String standardOutput, String standardError) {
    /** Returns both, standard output first. */
    public String output() {
      return standardOutput + standardError;
    }
  }

  /** Runs it; exit status 124 when the time is up. */
  public Outcome run() throws IOException {
    Path in = Files.createTempFile("input", "");
    Path out = Files.createTempFile("output", "");
    Path err = Files.createTempFile("error", "");
    try {
      Files.write(in, input.getBytes(StandardCharsets.UTF_8));
      ProcessBuilder builder =
          new ProcessBuilder(arguments)
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().clear();
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return new Outcome(124, Files.readString(out), Files.readString(err));
      }
      return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(arguments + " was interrupted");
    } finally {
      Files.deleteIfExists(in);
      Files.deleteIfExists(out);
      Files.deleteIfExists(err);
    }
  }

  /** Runs it and returns its standard output; anything but status 0 is an error. */
  public String mustRun() throws IOException {
    Outcome outcome = run();
    if (outcome.exitCode() != 0) {
      throw new IOException(
          arguments + " ended with " + outcome.exitCode() + ": " + outcome.output());
    }
    return outcome.standardOutput();
  }
}
