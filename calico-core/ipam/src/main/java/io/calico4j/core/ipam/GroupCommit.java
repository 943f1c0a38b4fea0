package io.calico4j.core.ipam;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Lets requests that arrive while another one is being committed be committed together. One of the
 * waiting threads works for all of them; a request that meets nobody is worked on at once, in its
 * own thread.
 *
 * @param <J> a request
 */
final class GroupCommit<J> {
  private final Consumer<List<J>> work;
  private final Queue<Waiter<J>> queue = new ConcurrentLinkedQueue<>();
  private final ReentrantLock leadership = new ReentrantLock();

  private static final class Waiter<J> {
    final J job;
    final Thread thread = Thread.currentThread();
    volatile boolean done;

    Waiter(J job) {
      this.job = job;
    }
  }

  /**
   * Makes one.
   *
   * @param work does what all the requests of a group ask for and keeps their outcomes in them;
   *     must not throw
   */
  GroupCommit(Consumer<List<J>> work) {
    this.work = work;
  }

  /** Returns when the job has been worked on, alone or with others; not interruptible. */
  void run(J job) {
    Waiter<J> own = new Waiter<>(job);
    queue.add(own);
    boolean interrupted = false;
    while (!own.done) {
      if (leadership.tryLock()) {
        try {
          lead();
        } finally {
          leadership.unlock();
        }
        Waiter<J> next = queue.peek();
        if (next != null) {
          LockSupport.unpark(next.thread);
        }
      } else {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void lead() {
    List<Waiter<J>> group = new ArrayList<>();
    for (Waiter<J> waiter = queue.poll(); waiter != null; waiter = queue.poll()) {
      group.add(waiter);
    }
    if (group.isEmpty()) {
      return;
    }
    try {
      List<J> jobs = new ArrayList<>(group.size());
      group.forEach(waiter -> jobs.add(waiter.job));
      work.accept(jobs);
    } finally {
      for (Waiter<J> waiter : group) {
        waiter.done = true;
        if (waiter.thread != Thread.currentThread()) {
          LockSupport.unpark(waiter.thread);
        }
      }
    }
  }
}
