package io.calico4j.testbed;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;

/** Waits for things that happen soon. */
public final class Await {
  private static final int PAUSE_MILLIS = 50;
  private static final int BUSY = 8;

  private Await() {}

  /** Something that becomes true. */
  public interface Condition {
    /** Looks. */
    boolean holds() throws IOException;
  }

  /**
   * Looks until it holds; then an IOException says what did not happen.
   *
   * @param seconds how long it takes at most on a machine that is not busy; a busy one gets {@value
   *     #BUSY} times as long
   */
  public static void until(String what, int seconds, Condition condition) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos((long) BUSY * seconds);
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) {
        throw new IOException("not within " + BUSY * seconds + " s: " + what);
      }
      pause();
    }
  }

  private static void pause() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /** Kills a process and waits for its end. */
  static void killed(Process process) throws IOException {
    process.destroyForcibly();
    until("process " + process.pid() + " dies", 10, () -> !process.isAlive());
  }
}
