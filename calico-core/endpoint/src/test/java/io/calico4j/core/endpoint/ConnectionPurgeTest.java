package io.calico4j.core.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who waits for conntrack entries of former owners, and for how long. */
class ConnectionPurgeTest {
  private static final IpAddress A = IpAddress.parse("10.65.0.1");
  private static final IpAddress B = IpAddress.parse("10.65.0.2");
  private static final IpAddress C = IpAddress.parse("fd00:65::3");
  private static final int SECONDS = 60;

  private final Slow conntrack = new Slow();
  private final ConnectionPurge purge = new ConnectionPurge(conntrack, true);

  @AfterEach
  void close() {
    conntrack.permits.release(100);
    purge.close();
  }

  /** Begins a deletion, and ends it when it is permitted. */
  private static final class Slow implements Conntrack {
    final Semaphore permits = new Semaphore(0);
    final Semaphore begun = new Semaphore(0);
    final List<Set<IpAddress>> deleted = new CopyOnWriteArrayList<>();
    volatile boolean failing;

    @Override
    public int delete(Predicate<IpAddress> chosen) throws KernelException {
      begun.release();
      permits.acquireUninterruptibly();
      if (failing) {
        throw new KernelException("read", "conntrack entries", 105, "ENOBUFS");
      }
      deleted.add(Stream.of(A, B, C).filter(chosen).collect(Collectors.toSet()));
      return 0;
    }

    void awaitBegun() throws InterruptedException {
      assertThat(begun.tryAcquire(SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    @Override
    public boolean isSupported() {
      return true;
    }

    @Override
    public void close() {}
  }

  /** Starts something that is to wait, and returns when it does. */
  private static Thread waiting(Runnable task) throws InterruptedException {
    Thread thread = new Thread(task, "waiting");
    thread.setDaemon(true);
    thread.start();
    while (thread.getState() != Thread.State.WAITING
        && thread.getState() != Thread.State.TIMED_WAITING) {
      assertThat(thread.getState()).isNotEqualTo(Thread.State.TERMINATED);
      Thread.sleep(1);
    }
    return thread;
  }

  private static void end(Thread thread) throws InterruptedException {
    thread.join(TimeUnit.SECONDS.toMillis(SECONDS));
    assertThat(thread.isAlive()).isFalse();
  }

  @Test
  void theNextOwnerWaitsAndNobodyElse() throws Exception {
    purge.forget(Set.of(A));
    conntrack.awaitBegun();
    purge.await(List.of(B, C));
    Thread owner = waiting(() -> purge.await(List.of(C, A)));
    conntrack.permits.release();
    end(owner);
    assertThat(conntrack.deleted).containsExactly(Set.of(A));
    purge.await(List.of(A));
  }

  @Test
  void addressesThatComeMeanwhileShareTheNextReading() throws Exception {
    purge.forget(Set.of(A));
    conntrack.awaitBegun();
    purge.forget(Set.of(B));
    purge.forget(Set.of(C));
    Thread owner = waiting(() -> purge.await(List.of(C)));
    conntrack.permits.release();
    conntrack.awaitBegun();
    assertThat(owner.isAlive()).as("its own reading is not done").isTrue();
    conntrack.permits.release();
    end(owner);
    assertThat(conntrack.deleted).containsExactly(Set.of(A), Set.of(B, C));
  }

  @Test
  void anAddressThatIsReleasedAgainIsReadAgain() throws Exception {
    purge.forget(Set.of(A));
    conntrack.awaitBegun();
    purge.forget(Set.of(A));
    Thread owner = waiting(() -> purge.await(List.of(A)));
    conntrack.permits.release(2);
    end(owner);
    assertThat(conntrack.deleted).containsExactly(Set.of(A), Set.of(A));
  }

  @Test
  void aFailureEndsTheWaitAndTheNextDeletionGoesOn() throws Exception {
    conntrack.failing = true;
    purge.forget(Set.of(A));
    Thread owner = waiting(() -> purge.await(List.of(A)));
    conntrack.permits.release();
    end(owner);
    conntrack.failing = false;
    purge.forget(Set.of(B));
    conntrack.permits.release();
    purge.await(List.of(B));
    assertThat(conntrack.deleted).containsExactly(Set.of(B));
  }

  @Test
  void closingWaitsAndDeletesAtOnceFromThenOn() throws Exception {
    purge.forget(Set.of(A));
    conntrack.awaitBegun();
    purge.forget(Set.of(B));
    Thread closing = waiting(purge::close);
    conntrack.permits.release(2);
    end(closing);
    assertThat(conntrack.deleted).containsExactly(Set.of(A), Set.of(B));
    conntrack.permits.release();
    purge.forget(Set.of(C));
    assertThat(conntrack.deleted).containsExactly(Set.of(A), Set.of(B), Set.of(C));
  }

  @Test
  void aProcessOfOneRequestDeletesAtOnceAndOnceMoreForTheNextOwner() {
    conntrack.permits.release(2);
    try (ConnectionPurge alone = new ConnectionPurge(conntrack, false)) {
      alone.forget(Set.of(A));
      assertThat(conntrack.deleted).containsExactly(Set.of(A));
      alone.await(List.of(B));
      assertThat(conntrack.deleted).containsExactly(Set.of(A), Set.of(B));
    }
  }

  @Test
  void nothingIsReadForNoAddress() {
    purge.forget(Set.of());
    purge.forgetNow(Set.of());
    purge.await(List.of());
    assertThat(conntrack.begun.availablePermits()).isZero();
  }
}
