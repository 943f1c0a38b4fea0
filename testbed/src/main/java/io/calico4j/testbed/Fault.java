package io.calico4j.testbed;

import io.calico4j.core.endpoint.EndpointStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What a {@link FaultyNode} shall do to itself right after a step: a file that the test writes and
 * the agent reads.
 *
 * @param directory the agent's run directory
 */
public record Fault(Path directory) {
  private static final String FILE = "fault";
  private static final String REACHED = "fault.reached";

  /** What happens. */
  public enum Effect {
    /** The agent dies at once, as by SIGKILL. */
    DIE,
    /** The thread that has taken the step ends by a bug. */
    END_THREAD,
    /** The step takes until the fault is cleared. */
    WAIT
  }

  /** Sets the fault; it happens once. */
  public void set(EndpointStep step, Effect effect) throws IOException {
    clear();
    Path fresh = directory.resolve("fault.new");
    Files.writeString(fresh, step + " " + effect);
    Files.move(fresh, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Takes the fault back; a waiting step goes on. */
  public void clear() throws IOException {
    Files.deleteIfExists(directory.resolve(FILE));
    Files.deleteIfExists(directory.resolve(REACHED));
  }

  /** Waits until the fault has happened. */
  public void awaitReached() throws IOException {
    Await.until("the agent reaches the step", 30, this::isReached);
  }

  /** Tells whether the fault has happened. */
  public boolean isReached() {
    return Files.exists(directory.resolve(REACHED));
  }

  /** Does what is set for a step: called by the agent. */
  void happen(EndpointStep step) {
    try {
      Path file = directory.resolve(FILE);
      if (!Files.exists(file)) {
        return;
      }
      String text = Files.readString(file);
      if (text.startsWith(step + " ")) {
        Files.writeString(directory.resolve(REACHED), "");
        if (text.endsWith(Effect.DIE.name())) {
          Runtime.getRuntime().halt(137);
        }
        if (text.endsWith(Effect.END_THREAD.name())) {
          throw new LinkageError("a bug made by a test");
        }
        Await.until("the fault is cleared", 60, () -> !isReached());
      }
    } catch (IOException e) {
      throw new IllegalStateException("the fault file cannot be used", e);
    }
  }
}
