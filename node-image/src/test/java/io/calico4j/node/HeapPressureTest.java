package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.node.HeapPressure.Verdict;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** When a heap is too small. */
class HeapPressureTest {
  private static final long MAX = 1000;

  private final HeapPressure pressure = new HeapPressure(Duration.ofSeconds(10));
  private long seconds;
  private long collecting;

  /** Lets two seconds pass, of which the collector takes some milliseconds. */
  private Verdict next(long collectingMillis, long used) {
    seconds += 2;
    collecting += collectingMillis;
    return pressure.judge(TimeUnit.SECONDS.toNanos(seconds), collecting, used, MAX);
  }

  @Test
  void aCollectorThatWorksAllTheTimeButFindsRoomIsFine() {
    for (int i = 0; i < 20; i++) {
      assertThat(next(2000, 500)).isEqualTo(Verdict.ENOUGH);
    }
  }

  @Test
  void aHeapThatIsFullAfterACollectionIsTightAsLongAsWorkGoesOn() {
    for (int i = 0; i < 20; i++) {
      assertThat(next(500, 950)).isEqualTo(Verdict.TIGHT);
    }
    assertThat(next(10, 500)).isEqualTo(Verdict.ENOUGH);
  }

  @Test
  void itIsTooSmallWhenNothingElseGetsDoneForTheWholeWindow() {
    assertThat(next(0, 100)).isEqualTo(Verdict.ENOUGH);
    for (int i = 0; i < 4; i++) {
      assertThat(next(1990, 990)).isEqualTo(Verdict.TIGHT);
    }
    assertThat(next(1990, 990)).isEqualTo(Verdict.TOO_SMALL);
  }

  @Test
  void whatWasLongAgoDoesNotCount() {
    for (int i = 0; i < 20; i++) {
      assertThat(next(1990, 500)).isEqualTo(Verdict.ENOUGH);
    }
    assertThat(next(0, 950)).isEqualTo(Verdict.TIGHT);
    assertThat(next(0, 950)).isEqualTo(Verdict.TIGHT);
  }
}
