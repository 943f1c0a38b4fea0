package io.calico4j.core.datastore.etcd;

import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The members of etcd, one of which is in use. A member that cannot be reached, is silent or knows
 * no leader is left for the next one. After all were tried in vain there is a pause, of {@value
 * #FIRST_MILLIS} ms first and {@value #LONGEST_MILLIS} ms at most, with jitter. A channel is never
 * repaired: a new one takes its place, with names resolved and certificates read anew.
 */
final class Members implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Members.class);
  private static final int FIRST_MILLIS = 200;
  private static final int LONGEST_MILLIS = 1600;

  /** So that a member whose host is off leaves time for the others. */
  private static final int CONNECT_MILLIS = 1500;

  /** etcd refuses more than one ping in five seconds (--grpc-keepalive-min-time). */
  private static final int PING_SECONDS = 10;

  private static final int PONG_SECONDS = 2;

  /** In bytes. A fixed window spares gRPC's own pings, which estimate one. */
  private static final int WINDOW = 16 << 20;

  /** In bytes; etcd does not limit what it answers. */
  private static final int MAX_ANSWER = 512 << 20;

  private static final int DEFAULT_PORT = 2379;

  private final List<URI> endpoints;
  private final @Nullable Tls tls;
  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("etcd", true), NioIoHandler.newFactory());
  private final ReentrantLock opening = new ReentrantLock();
  private volatile @Nullable Member current;
  private volatile @Nullable Throwable lastFailure;
  private volatile boolean closed;
  private final boolean patient;
  private volatile boolean reached;

  /**
   * The member that answered last; null at first, and while no member answers, which is logged
   * then.
   */
  private volatile @Nullable Integer answering;

  // Guarded by this.
  private final SortedMap<Integer, Throwable> failures = new TreeMap<>();
  private int next;
  private int triedInVain;
  private long awaySince;
  private long notBefore = System.nanoTime();
  private int delayMillis = FIRST_MILLIS;

  /**
   * Prepares; connects to nobody yet.
   *
   * @param patient whether members that were never reached are tried again and again
   * @throws IllegalArgumentException naming a certificate or key that cannot be used
   */
  Members(EtcdConfig config, boolean patient) {
    this.patient = patient;
    endpoints = config.endpoints().stream().map(URI::create).toList();
    tls = config.tls();
    if (tls != null) {
      var unused = sslContext(tls);
    }
  }

  private static SslContext sslContext(Tls settings) {
    SslContextBuilder context =
        GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK);
    settings.apply(context);
    try {
      return context.build();
    } catch (SSLException e) {
      throw new IllegalArgumentException("TLS for etcd cannot be set up: " + e.getMessage(), e);
    }
  }

  /** Returns how many members there are. */
  int size() {
    return endpoints.size();
  }

  /**
   * Returns the member in use; takes the next one if there is none, after the pause that is due.
   *
   * @param end until when, on the clock of {@link System#nanoTime}
   * @throws CallFailure {@link Kind#NOT_SENT} when none could be tried until then
   */
  Member current(long end) throws CallFailure, InterruptedException {
    Member known = current;
    if (known != null) {
      return known;
    }
    if (!opening.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
      throw notConnected();
    }
    try {
      while (true) {
        known = current;
        if (known != null) {
          return known;
        }
        long now = System.nanoTime();
        long pause = Math.min(pause(now), end - now);
        if (pause > 0) {
          TimeUnit.NANOSECONDS.sleep(pause);
        }
        if (closed || end - System.nanoTime() <= 0) {
          throw notConnected();
        }
        open(end);
        if (current == null && isGivenUp()) {
          throw notConnected();
        }
      }
    } finally {
      opening.unlock();
    }
  }

  private CallFailure notConnected() {
    return new CallFailure(
        Kind.NOT_SENT, closed ? "it was closed" : "no connection in time", lastFailure);
  }

  /** Tells whether each member was tried in vain, none ever answered, and that is enough. */
  boolean isGivenUp() {
    if (patient || reached) {
      return false;
    }
    synchronized (this) {
      return failures.size() == endpoints.size();
    }
  }

  /** Says why each member that was tried could not be reached. */
  synchronized String failures() {
    return failures.entrySet().stream()
        .map(e -> endpoints.get(e.getKey()) + " " + ConnectFailure.reason(e.getValue(), tls))
        .collect(Collectors.joining("; "));
  }

  private synchronized long pause(long now) {
    return notBefore - now;
  }

  private void open(long end) throws InterruptedException {
    int index;
    synchronized (this) {
      index = next;
    }
    try {
      InetSocketAddress address = resolve(endpoints.get(index), end - System.nanoTime());
      Member opened = new Member(endpoints.get(index), index, channel(address));
      synchronized (this) {
        if (!closed) {
          current = opened;
          return;
        }
      }
      opened.channel().shutdownNow();
    } catch (ExecutionException e) {
      failed(index, Objects.requireNonNullElse(e.getCause(), e));
    } catch (TimeoutException | IllegalArgumentException e) {
      failed(index, e);
    }
  }

  /** Resolves a name, which may take as long as the system's resolver takes, on another thread. */
  private static InetSocketAddress resolve(URI endpoint, long nanos)
      throws InterruptedException, ExecutionException, TimeoutException {
    InetSocketAddress address =
        CompletableFuture.supplyAsync(
                () ->
                    new InetSocketAddress(
                        endpoint.getHost(),
                        endpoint.getPort() == -1 ? DEFAULT_PORT : endpoint.getPort()))
            .get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    if (address.isUnresolved()) {
      throw new IllegalArgumentException("the host of " + endpoint + " cannot be resolved");
    }
    return address;
  }

  private ManagedChannel channel(InetSocketAddress address) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(address)
            .eventLoopGroup(loop)
            .channelType(NioSocketChannel.class)
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
            .directExecutor()
            .disableRetry()
            .keepAliveTime(PING_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(PONG_SECONDS, TimeUnit.SECONDS)
            .flowControlWindow(WINDOW)
            .maxInboundMessageSize(MAX_ANSWER)
            .userAgent("calico4j");
    return tls == null
        ? builder.usePlaintext().build()
        : builder.sslContext(sslContext(tls)).build();
  }

  /** Notes that a member answered. */
  void answered(Member member) {
    Integer known = answering;
    if (known == null || known != member.index()) {
      tell(member);
    }
    reached = true;
    member.foundLeader();
    if (triedInVain != 0 || delayMillis != FIRST_MILLIS) {
      synchronized (this) {
        triedInVain = 0;
        delayMillis = FIRST_MILLIS;
        notBefore = System.nanoTime();
      }
    }
  }

  /** Logs, once, that a member answers that did not do so before. */
  private synchronized void tell(Member member) {
    Integer before = answering;
    if (member != current || before != null && before == member.index()) {
      return;
    }
    if (before != null) {
      log.info(
          "etcd at {} is used now, instead of {}: {}",
          member,
          endpoints.get(before),
          lastFailure == null ? "" : lastFailure.getMessage());
    } else if (reached) {
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - awaySince);
      log.info("etcd at {} answers again, after {} s", member, seconds);
    }
    answering = member.index();
  }

  /** Leaves a member, unless that has been done; calls and watches on it end. */
  void leave(Member member, Throwable why) {
    synchronized (this) {
      if (current != member) {
        return;
      }
      current = null;
      failed(member.index(), why);
    }
    member.channel().shutdownNow();
  }

  private synchronized void failed(int index, Throwable why) {
    lastFailure = why;
    failures.put(index, why);
    next = (index + 1) % endpoints.size();
    triedInVain++;
    if (triedInVain >= endpoints.size()) {
      if (answering != null && !closed) {
        answering = null;
        awaySince = System.nanoTime();
        log.warn("etcd is away, last tried was {}: {}", endpoints.get(index), why.getMessage());
      }
      triedInVain = 0;
      int jittered = delayMillis + ThreadLocalRandom.current().nextInt(delayMillis / 2);
      notBefore = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(jittered);
      delayMillis = Math.min(2 * delayMillis, LONGEST_MILLIS);
    }
    log.debug("etcd at {} is left: {}", endpoints.get(index), String.valueOf(why));
  }

  /** Ends all calls and watches. */
  @Override
  public void close() {
    Member open;
    synchronized (this) {
      closed = true;
      open = current;
      current = null;
    }
    if (open != null) {
      open.channel().shutdownNow();
    }
    var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
