package io.calico4j.node;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A program this agent owns: its output goes to the log, it is started again with growing pauses
 * when it ends, and it is ended with the agent. If the agent is killed the child goes on, and the
 * next agent adopts it.
 */
final class ChildProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChildProcess.class);
  private static final long MAX_PAUSE_MILLIS = 10_000;

  private final String name;
  private final List<String> command;
  private final Thread supervisor;
  private volatile boolean closed;
  private volatile @Nullable Process process;

  ChildProcess(String name, List<String> command) {
    this.name = name;
    this.command = List.copyOf(command);
    supervisor = new Thread(this::supervise, "child-" + name);
    supervisor.setDaemon(true);
  }

  void start() {
    supervisor.start();
  }

  private void supervise() {
    long pause = 100;
    while (!closed) {
      try {
        Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
        process = started;
        if (closed) {
          started.destroy();
        }
        logOutput(started);
        int code = started.waitFor();
        if (!closed) {
          log.warn("child={} ended code={}, starting it again in {} ms", name, code, pause);
          TimeUnit.MILLISECONDS.sleep(pause);
          pause = Math.min(MAX_PAUSE_MILLIS, 2 * pause);
        }
      } catch (IOException e) {
        log.error("child={} cannot be run: {}", name, e.getMessage());
        return;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private void logOutput(Process started) throws IOException {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.debug("{}: {}", name, line);
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    Process running = process;
    if (running != null) {
      running.destroy();
      try {
        if (!running.waitFor(5, TimeUnit.SECONDS)) {
          running.destroyForcibly();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        running.destroyForcibly();
      }
    }
    supervisor.interrupt();
  }
}
