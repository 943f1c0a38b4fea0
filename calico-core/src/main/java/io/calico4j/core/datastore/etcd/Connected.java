package io.calico4j.core.datastore.etcd;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.eclipse.jetty.http2.api.Session;
import org.eclipse.jetty.http2.frames.PingFrame;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** A connection to a member of etcd that is open, as far as is known. Safe for many threads. */
final class Connected {
  /** How long the answer to a ping may take. */
  static final int PATIENCE_SECONDS = 2;

  /** How long a member may be without a leader: its cluster elects one within a second or two. */
  private static final int LEADERLESS_SECONDS = 2;

  /** etcd wants at least five seconds between two pings (--grpc-keepalive-min-time). */
  private static final int PAUSE_SECONDS = 6;

  private final Session session;
  private final int member;
  private final Map<Object, Consumer<@Nullable Throwable>> dependents = new HashMap<>();
  private volatile boolean proven;
  private volatile boolean leaderless;
  private long leaderlessSince;
  private long lastPing = System.nanoTime() - SECONDS.toNanos(PAUSE_SECONDS);
  private boolean pinged;
  private boolean ended;

  Connected(Session session, int member) {
    this.session = session;
    this.member = member;
  }

  /** Returns where its streams begin. */
  Session session() {
    return session;
  }

  /** Returns the member's place in the configuration. */
  int member() {
    return member;
  }

  /** Notes that a request was answered; true when it was the first. */
  boolean isFirstAnswer() {
    boolean first = !proven;
    if (first) {
      proven = true;
    }
    return first;
  }

  /** Notes that the member knew a leader just now. */
  void foundLeader() {
    if (leaderless) {
      leaderless = false;
    }
  }

  /** Notes that the member knows none, and tells whether it has known none for too long. */
  synchronized boolean missesLeader() {
    if (!leaderless) {
      leaderless = true;
      leaderlessSince = System.nanoTime();
    }
    return System.nanoTime() - leaderlessSince >= SECONDS.toNanos(LEADERLESS_SECONDS);
  }

  /** Has somebody told of its end; at once when it has ended. */
  void onEnd(Object dependent, Consumer<@Nullable Throwable> told) {
    synchronized (this) {
      if (!ended) {
        dependents.put(dependent, told);
        return;
      }
    }
    told.accept(null);
  }

  /** Forgets somebody who is no longer concerned. */
  synchronized void forget(Object dependent) {
    dependents.remove(dependent);
  }

  /** Ends without a word to anybody. */
  synchronized void forgetAll() {
    dependents.clear();
  }

  synchronized boolean hasDependents() {
    return !dependents.isEmpty();
  }

  /** Tells all who depend on it; later calls find nobody. */
  void end(@Nullable Throwable cause) {
    List<Consumer<@Nullable Throwable>> told;
    synchronized (this) {
      ended = true;
      told = List.copyOf(dependents.values());
      dependents.clear();
    }
    told.forEach(dependent -> dependent.accept(cause));
  }

  /**
   * Asks whether the member is there: one question at a time, and not so often that it takes
   * offence.
   */
  void ask() {
    long now = System.nanoTime();
    synchronized (this) {
      if (pinged || ended || now - lastPing < SECONDS.toNanos(PAUSE_SECONDS)) {
        return;
      }
      pinged = true;
      lastPing = now;
    }
    session.ping(new PingFrame(false), Callback.NOOP);
  }

  /** The question was answered. */
  synchronized void answered() {
    pinged = false;
  }

  /** Tells whether a question has been waiting for its answer for too long. */
  synchronized boolean isSilent() {
    return pinged && !ended && System.nanoTime() - lastPing >= SECONDS.toNanos(PATIENCE_SECONDS);
  }
}
