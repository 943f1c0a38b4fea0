package io.calico4j.core.concurrent;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * Makes daemon threads and timers whose failures are noticed. The JDK's timers keep what a task
 * throws in a future that nobody reads, and never run the task again; these hand it to the thread's
 * handler of uncaught exceptions, as for any other thread. What that handler does is the process's
 * decision.
 */
public final class Daemons {
  private Daemons() {}

  /** Makes a thread that does not keep the process alive; it is not started. */
  public static Thread thread(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Makes a timer with one thread. A task that throws anything is reported to the handler of
   * uncaught exceptions.
   */
  public static ScheduledExecutorService timer(String name) {
    return new Timer(name);
  }

  /** Reports a failure as if it had ended the current thread. */
  public static void report(Throwable failure) {
    Thread thread = Thread.currentThread();
    thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
  }

  private static final class Timer extends ScheduledThreadPoolExecutor {
    Timer(String name) {
      super(1, task -> thread(name, task));
    }

    @Override
    protected void afterExecute(Runnable task, @Nullable Throwable thrown) {
      super.afterExecute(task, thrown);
      // A periodic task is done only when it has failed or was cancelled.
      if (thrown == null && task instanceof Future<?> future && future.isDone()) {
        try {
          var unused = future.isCancelled() ? null : future.get();
        } catch (ExecutionException e) {
          report(Objects.requireNonNullElse(e.getCause(), e));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}
