package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.concurrent.Daemons;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What dies by a bug is noticed, on a thread of its own and on a timer. */
@Timeout(60)
class FatalFailuresTest {
  private final BlockingQueue<Integer> halted = new LinkedBlockingQueue<>();
  private final FatalFailures failures = new FatalFailures(halted::add);
  private final Thread.UncaughtExceptionHandler before =
      Thread.getDefaultUncaughtExceptionHandler();

  @AfterEach
  void restore() {
    Thread.setDefaultUncaughtExceptionHandler(before);
  }

  private static void fail() {
    throw new AssertionError("a bug made by a test");
  }

  @Test
  void aThreadThatDiesEndsTheProcess() throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(failures);
    Daemons.thread("buggy", FatalFailuresTest::fail).start();
    assertThat(halted.take()).isEqualTo(70);
  }

  @Test
  void aTimersTaskThatThrowsEndsTheProcess() throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(failures);
    ScheduledExecutorService timer = Daemons.timer("buggy-timer");
    try {
      var unused = timer.scheduleWithFixedDelay(FatalFailuresTest::fail, 0, 1, TimeUnit.SECONDS);
      assertThat(halted.take()).isEqualTo(70);
      var once = timer.schedule(FatalFailuresTest::fail, 0, TimeUnit.SECONDS);
      assertThat(halted.take()).isEqualTo(70);
      assertThat(once.isDone()).isTrue();
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void anOrderlyEndIsNotDisturbed() {
    failures.stopping();
    failures.uncaughtException(Thread.currentThread(), new IllegalStateException("closed"));
    assertThat(halted).isEmpty();
  }
}
