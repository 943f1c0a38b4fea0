package io.calico4j.node.child;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** When a child is started again. */
class RestartPauseTest {
  private final RestartPause pause = new RestartPause(100, 1000);

  @Test
  void aChildThatEndsAtOnceIsStartedAtGrowingIntervals() {
    long now = 5;
    List<Long> waited = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      long left = Math.max(0, pause.left(now));
      waited.add(TimeUnit.NANOSECONDS.toMillis(left));
      now += left;
      assertThat(pause.left(now)).isNotPositive();
      pause.started(now);
    }
    assertThat(waited).containsExactly(0L, 0L, 100L, 200L, 400L, 800L, 1000L);
    assertThat(pause.isRepeated()).isTrue();
  }

  @Test
  void oneThatRanForAMinuteIsStartedAtOnce() {
    long now = Long.MAX_VALUE - 10;
    pause.started(now);
    pause.started(now + 1);
    pause.started(now + 2);
    assertThat(pause.isRepeated()).isTrue();
    long later = now + 2 + TimeUnit.MINUTES.toNanos(1);
    assertThat(pause.hasRunFor(TimeUnit.SECONDS.toNanos(59), later)).isTrue();
    assertThat(pause.left(later)).isNotPositive();
    pause.started(later);
    assertThat(pause.isRepeated()).isFalse();
    assertThat(pause.left(later + 1)).isNotPositive();
  }
}
