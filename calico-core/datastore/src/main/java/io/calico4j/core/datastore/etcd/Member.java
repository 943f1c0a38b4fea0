package io.calico4j.core.datastore.etcd;

import io.grpc.ManagedChannel;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** The member of etcd that is in use, with the channel to it. Safe for many threads. */
final class Member {
  /** How long a member may be without a leader: its cluster elects one within a second or two. */
  private static final long LEADERLESS_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final URI endpoint;
  private final int index;
  private final ManagedChannel channel;
  private final AtomicBoolean probed = new AtomicBoolean();

  /** Guarded by this; 0 while the member knows a leader. */
  private long leaderlessSince;

  /**
   * Describes a member.
   *
   * @param index its place in the configuration
   */
  Member(URI endpoint, int index, ManagedChannel channel) {
    this.endpoint = endpoint;
    this.index = index;
    this.channel = channel;
  }

  /** Returns where calls to it begin. */
  ManagedChannel channel() {
    return channel;
  }

  /** Returns its place in the configuration. */
  int index() {
    return index;
  }

  /** Notes that it answered a request that needs a leader. */
  synchronized void foundLeader() {
    leaderlessSince = 0;
  }

  /** Notes that it knows no leader, and tells whether that has lasted for too long. */
  synchronized boolean missesLeader() {
    long now = System.nanoTime();
    if (leaderlessSince == 0) {
      leaderlessSince = now;
    }
    return now - leaderlessSince >= LEADERLESS_NANOS;
  }

  /** Claims the one probe that may be under way; false when there is one. */
  boolean beginProbe() {
    return probed.compareAndSet(false, true);
  }

  /** Allows the next probe. */
  void endProbe() {
    probed.set(false);
  }

  @Override
  public String toString() {
    return endpoint.toString();
  }
}
