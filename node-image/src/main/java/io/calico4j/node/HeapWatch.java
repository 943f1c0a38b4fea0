package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says when the heap is nearly full, and ends the process with a line that says so when the
 * collector leaves it no time for its work: whoever supervises it starts it again, and the rules,
 * etcd and bird stay as they are.
 */
final class HeapWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HeapWatch.class);
  private static final int LOOK_SECONDS = 2;
  private static final Duration WINDOW = Duration.ofSeconds(20);
  private static final String REMEDY = "give -Xmx more in CALICO_NODE_JAVA_OPTIONS";
  private static final int MEGABYTE = 1 << 20;

  private final HeapPressure pressure = new HeapPressure(WINDOW);
  private final List<GarbageCollectorMXBean> collectors =
      ManagementFactory.getGarbageCollectorMXBeans();

  /** Where objects go that stay. */
  private final Optional<MemoryPoolMXBean> pool =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(each -> each.getType() == MemoryType.HEAP)
          .filter(MemoryPoolMXBean::isCollectionUsageThresholdSupported)
          .max(Comparator.comparingLong(each -> each.getUsage().getMax()));

  private final ScheduledExecutorService timer = Daemons.timer("heap-watch");

  /** Whether that was said; the timer's thread alone uses it. */
  private boolean tight;

  /** Begins to watch this process's heap; ends the process where it is too small. */
  HeapWatch() {
    var unused =
        timer.scheduleWithFixedDelay(this::look, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  private void look() {
    MemoryUsage usage = pool.map(MemoryPoolMXBean::getCollectionUsage).orElse(null);
    if (usage == null || usage.getMax() <= 0) {
      return;
    }
    long millis = 0;
    for (GarbageCollectorMXBean collector : collectors) {
      millis += Math.max(0, collector.getCollectionTime());
    }
    long max = Runtime.getRuntime().maxMemory() / MEGABYTE;
    switch (pressure.judge(System.nanoTime(), millis, usage.getUsed(), usage.getMax())) {
      case ENOUGH -> tight = false;
      case TIGHT -> {
        if (!tight) {
          log.warn("the heap of {} MB is nearly full: {}", max, REMEDY);
        }
        tight = true;
      }
      case TOO_SMALL -> {
        log.error(
            "calico-node ends with status {}: the heap of {} MB is too small, the process does"
                + " little else than to look for room in it: {}",
            FatalFailures.STATUS,
            max,
            REMEDY);
        Runtime.getRuntime().halt(FatalFailures.STATUS);
      }
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
