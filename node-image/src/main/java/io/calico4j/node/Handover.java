package io.calico4j.node;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Hands a request over to an agent that started while a plugin worked alone: the installed launcher
 * waits until the agent listens, and must not start another plugin that works alone. The system
 * property {@code io.calico4j.home} names the installation.
 *
 * @param program the plugin's name
 * @param input its standard input
 * @param runDirectory the agent's run directory
 */
record Handover(String program, String input, Path runDirectory) {
  /** Returns the agent's answer; empty when no agent lives here. */
  Optional<Answer> tryIt() throws IOException, InterruptedException {
    String home = System.getProperty("io.calico4j.home", "");
    Path launcher = Path.of(home, "bin", program);
    if (home.isEmpty() || !Files.isExecutable(launcher) || !AgentPresence.isHeld(runDirectory)) {
      return Optional.empty();
    }
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.environment().put("CALICO_HANDED_OVER", "1");
    Process process = builder.start();
    CompletableFuture<String> errors =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException e) {
                return String.valueOf(e.getMessage());
              }
            });
    try (OutputStream request = process.getOutputStream()) {
      request.write(input.getBytes(StandardCharsets.UTF_8));
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return Optional.of(new Answer(process.waitFor(), output, errors.join(), () -> {}));
  }
}
