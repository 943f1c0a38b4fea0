package io.calico4j.node.etcd;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdMaintenance;
import io.calico4j.core.datastore.etcd.EtcdMaintenance.Size;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the file of the host's own etcd small: etcd compacts by itself, and the holes that this
 * leaves are taken out when they are worth it. Says when the file comes near its quota.
 */
public final class EtcdFileWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EtcdFileWatch.class);
  private static final int LOOK_MINUTES = 10;
  private static final int MEGABYTE = 1 << 20;

  /** Etcd answers nothing while it defragments, so that a small file is left as it is. */
  private static final long WORTH_IT = 64L * MEGABYTE;

  private static final double NEARLY_FULL = 0.8;

  private final EtcdMaintenance etcd;
  private final long quota;
  private final ScheduledExecutorService timer = Daemons.timer("etcd-file");
  private volatile String problem = "";

  /**
   * Begins to watch.
   *
   * @param quotaMegabytes at which size etcd refuses writes
   */
  public EtcdFileWatch(EtcdConfig config, int quotaMegabytes) {
    etcd = EtcdMaintenance.connect(config);
    quota = (long) quotaMegabytes * MEGABYTE;
    var unused = timer.scheduleWithFixedDelay(this::look, 0, LOOK_MINUTES, TimeUnit.MINUTES);
  }

  private void look() {
    try {
      Size size = etcd.size();
      if (isWorthIt(size, quota)) {
        etcd.defragment();
        Size after = etcd.size();
        log.info(
            "etcd's file is defragmented: {} MB instead of {} MB",
            after.bytes() / MEGABYTE,
            size.bytes() / MEGABYTE);
        size = after;
      }
      problem =
          size.used() < NEARLY_FULL * quota
              ? ""
              : "etcd has "
                  + size.used() / MEGABYTE
                  + " MB of data and refuses writes from "
                  + quota / MEGABYTE
                  + " MB on: raise CALICO_ETCD_QUOTA_MEGABYTES";
    } catch (UnavailableException | RuntimeException e) {
      log.warn("the size of etcd's file is not known now: {}", e.toString());
    }
  }

  /** Tells whether half of a large file is holes, or those of a file that is nearly full. */
  static boolean isWorthIt(Size size, long quota) {
    long holes = size.bytes() - size.used();
    return size.bytes() >= WORTH_IT && holes >= size.bytes() / 2
        || size.bytes() >= NEARLY_FULL * quota && holes >= size.bytes() / 10;
  }

  /** Says that the file is nearly full; empty while it is not. */
  public Optional<String> problem() {
    String now = problem;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  @Override
  public void close() {
    timer.shutdownNow();
    etcd.close();
  }
}
