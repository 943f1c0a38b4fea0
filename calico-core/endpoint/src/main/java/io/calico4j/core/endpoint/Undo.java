package io.calico4j.core.endpoint;

import java.util.ArrayDeque;
import java.util.Deque;

/** What a failed operation must take back, newest first. */
final class Undo {
  private final Deque<Step> steps = new ArrayDeque<>();

  /** One thing to take back. */
  interface Step {
    void run() throws Exception;
  }

  void push(Step step) {
    steps.push(step);
  }

  /** Runs every step; failures are added to the cause and do not stop the others. */
  void runAfter(Exception cause) {
    while (!steps.isEmpty()) {
      try {
        steps.pop().run();
      } catch (Exception e) {
        cause.addSuppressed(e);
        if (e instanceof InterruptedException) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}
