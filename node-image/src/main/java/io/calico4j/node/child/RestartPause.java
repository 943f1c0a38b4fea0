package io.calico4j.node.child;

import java.util.concurrent.TimeUnit;

/**
 * How long a child that ends again and again waits before it is started: not at all the first time,
 * then from a first pause on twice as long each time, up to a longest one. One that ran for a
 * minute begins anew. Times are those of {@link System#nanoTime}. Not for several threads.
 */
public final class RestartPause {
  private static final long FORGIVEN_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final long first;
  private final long longest;
  private boolean everStarted;
  private long lastStart;
  private long pause;

  /** Makes one of two lengths in milliseconds. */
  public RestartPause(long firstMillis, long longestMillis) {
    first = TimeUnit.MILLISECONDS.toNanos(firstMillis);
    longest = TimeUnit.MILLISECONDS.toNanos(longestMillis);
  }

  /** Notes a start. */
  public void started(long now) {
    boolean again = everStarted && now - lastStart < FORGIVEN_NANOS;
    pause = again ? Math.min(longest, Math.max(first, 2 * pause)) : 0;
    everStarted = true;
    lastStart = now;
  }

  /** Returns how many nanoseconds are left until it may be started; not positive when it may. */
  public long left(long now) {
    return everStarted ? lastStart + pause - now : 0;
  }

  /** Tells whether the last start came soon after another one. */
  public boolean isRepeated() {
    return pause > 0;
  }

  /** Tells whether the last start, if there was any, is so long ago. */
  public boolean hasRunFor(long nanos, long now) {
    return !everStarted || now - lastStart > nanos;
  }
}
