package io.calico4j.felix;

import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.model.ResourceKey;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Which endpoints of this node have their rules in the kernel, and of which revision. Those who
 * wait for one hold no other lock meanwhile. Safe for use by many threads.
 */
final class ProgrammedEndpoints implements EndpointReadiness {
  /** Guards {@link #programmed} alone. */
  private final Lock waiting = new ReentrantLock();

  private final Condition changed = waiting.newCondition();
  private volatile Map<String, Long> programmed = Map.of();

  /**
   * Takes over what is in the kernel now.
   *
   * @param done revision by key
   */
  void publish(Map<String, Long> done) {
    waiting.lock();
    try {
      programmed = Map.copyOf(done);
      changed.signalAll();
    } finally {
      waiting.unlock();
    }
  }

  /** Returns the keys of those that are in the kernel. */
  Set<String> keys() {
    return programmed.keySet();
  }

  @Override
  public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return await(done -> done.getOrDefault(endpoint.path(), -1L) >= Math.max(revision, 0), timeout);
  }

  @Override
  public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return await(done -> !done.containsKey(endpoint.path()), timeout);
  }

  private boolean await(Predicate<Map<String, Long>> condition, Duration timeout)
      throws InterruptedException {
    long left = timeout.toNanos();
    waiting.lock();
    try {
      while (!condition.test(programmed)) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } finally {
      waiting.unlock();
    }
  }
}
