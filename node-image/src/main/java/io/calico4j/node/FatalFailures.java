package io.calico4j.node;

import java.lang.Thread.UncaughtExceptionHandler;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process when one of its threads ends by a bug: half an agent would look like a whole
 * one. The dataplane, etcd and bird stay as they are, and whoever supervises the process starts it
 * again. The process ends without its shutdown hooks, which may need the thread that has gone.
 */
final class FatalFailures implements UncaughtExceptionHandler {
  /** The exit status; sysexits.h calls it EX_SOFTWARE. */
  static final int STATUS = 70;

  private static final Logger log = LoggerFactory.getLogger(FatalFailures.class);

  private final IntConsumer halt;
  private volatile boolean stopping;

  /** Ends this process. */
  FatalFailures() {
    this(Runtime.getRuntime()::halt);
  }

  FatalFailures(IntConsumer halt) {
    this.halt = halt;
  }

  /** Takes what happens from now on for an effect of the process's orderly end. */
  void stopping() {
    stopping = true;
  }

  @Override
  public void uncaughtException(Thread thread, Throwable failure) {
    if (stopping) {
      log.warn(
          "thread {} failed while calico-node stops: {}", thread.getName(), failure.toString());
      return;
    }
    try {
      log.error("thread {} has ended by a bug", thread.getName(), failure);
      log.error(
          "calico-node ends with status {}: thread {} has ended by {}",
          STATUS,
          thread.getName(),
          failure.toString());
    } finally {
      halt.accept(STATUS);
    }
  }
}
