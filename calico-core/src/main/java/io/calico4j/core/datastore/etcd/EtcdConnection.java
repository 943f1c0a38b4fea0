package io.calico4j.core.datastore.etcd;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.api.Session;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.frames.GoAwayFrame;
import org.eclipse.jetty.http2.frames.PingFrame;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP/2 connection of all requests to one of etcd's members. It is made when it is first
 * needed and again when it was lost, with the first member that accepts it, beginning with the last
 * that did. While none does, all are tried again after {@value #FIRST_MILLIS} ms, then up to
 * {@value #LONGEST_MILLIS} ms, with jitter, by one thread of those that wait.
 */
final class EtcdConnection implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EtcdConnection.class);
  private static final int FIRST_MILLIS = 200;
  private static final int LONGEST_MILLIS = 1600;

  /** So that a member whose host is off leaves time for the others. */
  private static final int CONNECT_MILLIS = 1500;

  private static final int PING_SECONDS = 15;

  private static final int WINDOW = 16 << 20;
  private static final int MAX_THREADS = 8;
  private static final int DEFAULT_PORT = 2379;

  private final List<URI> members;
  private final HTTP2Client client;
  private final SslContextFactory.@Nullable Client tls;
  private final ScheduledExecutorService pings =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "etcd-pings");
            thread.setDaemon(true);
            return thread;
          });
  private final ReentrantLock connecting = new ReentrantLock();
  private volatile @Nullable Connected current;
  private volatile @Nullable Throwable lastFailure;
  private volatile boolean closed;

  // Guarded by this.
  private int next;
  private long notBefore = System.nanoTime();
  private int delayMillis = FIRST_MILLIS;

  EtcdConnection(EtcdConfig config) {
    members = config.endpoints().stream().map(URI::create).toList();
    ClientConnector connector = new ClientConnector();
    connector.setSelectors(1);
    client = new HTTP2Client(connector);
    QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS, 1);
    threads.setName("etcd");
    threads.setDaemon(true);
    // With none in reserve the thread that has read an answer also hands it over.
    threads.setReservedThreads(0);
    client.setExecutor(threads);
    client.setScheduler(new ScheduledExecutorScheduler("etcd-timer", true));
    client.setConnectTimeout(CONNECT_MILLIS);
    client.setIdleTimeout(0);
    client.setStreamIdleTimeout(0);
    client.setInitialSessionRecvWindow(WINDOW);
    client.setInitialStreamRecvWindow(WINDOW);
    tls = config.tls() == null ? null : tls(config.tls());
    try {
      client.start();
      if (tls != null) {
        tls.start();
      }
    } catch (Exception e) {
      throw new IllegalStateException("the connection to etcd cannot be prepared", e);
    }
    var unused = pings.scheduleWithFixedDelay(this::ping, PING_SECONDS, PING_SECONDS, SECONDS);
  }

  private static SslContextFactory.Client tls(Tls settings) {
    SslContextBuilder context = SslContextBuilder.forClient().sslProvider(SslProvider.JDK);
    settings.apply(context);
    SslContextFactory.Client factory = new SslContextFactory.Client();
    try {
      factory.setSslContext(((JdkSslContext) context.build()).context());
    } catch (IOException e) {
      throw new UncheckedIOException("TLS for etcd cannot be set up", e);
    }
    return factory;
  }

  /**
   * Returns the connection, and makes it if need be.
   *
   * @param end until when, on the clock of {@link System#nanoTime}
   * @throws CallFailure {@link Kind#NOT_SENT} when no member has accepted it until then
   */
  Connected get(long end) throws CallFailure, InterruptedException {
    Connected open = current;
    if (open != null) {
      return open;
    }
    if (!connecting.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
      throw notConnected();
    }
    try {
      while (true) {
        open = current;
        if (open != null) {
          return open;
        }
        long pause = pause();
        if (pause > 0) {
          TimeUnit.NANOSECONDS.sleep(Math.min(pause, end - System.nanoTime()));
        }
        if (closed || end - System.nanoTime() <= 0) {
          throw notConnected();
        }
        tryAll(end);
      }
    } finally {
      connecting.unlock();
    }
  }

  private CallFailure notConnected() {
    return new CallFailure(
        Kind.NOT_SENT, closed ? "it was closed" : "no connection in time", lastFailure);
  }

  private synchronized long pause() {
    return notBefore - System.nanoTime();
  }

  private void tryAll(long end) throws InterruptedException {
    int first = beginRound();
    for (int i = 0; i < members.size() && end - System.nanoTime() > 0; i++) {
      int member = (first + i) % members.size();
      Observer observer = new Observer();
      try {
        Session session = connect(members.get(member), observer, end - System.nanoTime());
        if (observer.opened(new Connected(session, member))) {
          return;
        }
      } catch (ExecutionException e) {
        lastFailure = e.getCause();
      } catch (TimeoutException | RejectedExecutionException e) {
        // The latter: it is being closed.
        lastFailure = e;
      }
    }
  }

  /** A connection counts as good when something was answered on it; until then the next waits. */
  private synchronized int beginRound() {
    int jittered = delayMillis + ThreadLocalRandom.current().nextInt(delayMillis / 2);
    notBefore = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(jittered);
    delayMillis = Math.min(2 * delayMillis, LONGEST_MILLIS);
    return next;
  }

  /** Notes that a request was answered on the connection. */
  void answered(Connected connection) {
    connection.foundLeader();
    if (connection.isFirstAnswer()) {
      synchronized (this) {
        notBefore = System.nanoTime();
        delayMillis = FIRST_MILLIS;
      }
    }
  }

  private Session connect(URI member, Observer observer, long nanos)
      throws InterruptedException, ExecutionException, TimeoutException {
    CompletableFuture<Session> session =
        CompletableFuture.supplyAsync(() -> address(member), client.getExecutor())
            .thenCompose(
                address ->
                    tls == null
                        ? client.connect(address, observer)
                        : client.connect(tls, address, observer));
    try {
      return session.get(
          Math.min(nanos, TimeUnit.MILLISECONDS.toNanos(CONNECT_MILLIS)), TimeUnit.NANOSECONDS);
    } catch (InterruptedException | TimeoutException e) {
      var unused = session.thenAccept(late -> close(late, "not awaited any more"));
      throw e;
    }
  }

  /** Resolves a name, which takes as long as the system's resolver takes. */
  private static InetSocketAddress address(URI member) {
    return new InetSocketAddress(
        member.getHost(), member.getPort() == -1 ? DEFAULT_PORT : member.getPort());
  }

  /** Gives a connection up; the next request tries another member first. */
  void abandon(Connected connection) {
    synchronized (this) {
      drop(connection);
      next = (connection.member() + 1) % members.size();
    }
    close(connection.session(), "no answer");
    ((HTTP2Session) connection.session()).disconnect();
    connection.end(null);
  }

  /**
   * A member has said that it knows no leader. Soon there will be one, or it is cut off from the
   * others: then it is given up.
   */
  void missesLeader(Connected connection) {
    if (members.size() > 1 && connection.missesLeader()) {
      log.warn("etcd at {} has no leader", members.get(connection.member()));
      abandon(connection);
    }
  }

  /**
   * A request was not answered in time. A member that is only slow keeps the connection, and with
   * it the watches, which would all list again; one that does not even answer a ping is given up.
   */
  void suspect(Connected connection) {
    connection.ask();
    try {
      var unused =
          pings.schedule(
              () -> abandonIfSilent(connection), Connected.PATIENCE_SECONDS + 1, SECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("it is being closed", e);
    }
  }

  /** Asks a peer with watches, which may have nothing to say for long, whether it is there. */
  private void ping() {
    Connected open = current;
    try {
      if (open != null && open.hasDependents()) {
        abandonIfSilent(open);
        open.ask();
      }
    } catch (RuntimeException e) {
      // An exception would end the pings of every later connection.
      log.error("etcd cannot be asked whether it is there", e);
    }
  }

  private void abandonIfSilent(Connected connection) {
    if (connection.isSilent()) {
      log.warn("etcd at {} does not answer", members.get(connection.member()));
      abandon(connection);
    }
  }

  private synchronized void drop(Connected connection) {
    if (current == connection) {
      current = null;
    }
  }

  private static void close(Session session, String reason) {
    boolean unused = session.close(ErrorCode.NO_ERROR.code, reason, Callback.NOOP);
  }

  /** Notices the end of a connection, also one before it is in use. */
  private final class Observer implements Session.Listener {
    private @Nullable Connected connection;
    private boolean ended;

    /** Takes it into use; false when it has ended already. */
    boolean opened(Connected opened) {
      synchronized (EtcdConnection.this) {
        connection = opened;
        if (!ended) {
          current = opened;
          next = opened.member();
        }
        return !ended;
      }
    }

    private void ended(@Nullable Throwable cause) {
      Connected open;
      synchronized (EtcdConnection.this) {
        ended = true;
        open = connection;
        if (open != null) {
          drop(open);
        }
      }
      if (open != null) {
        open.end(cause);
      }
    }

    @Override
    public void onGoAway(Session session, GoAwayFrame frame) {
      ended(null);
    }

    @Override
    public void onClose(Session session, GoAwayFrame frame, Callback callback) {
      ended(null);
      callback.succeeded();
    }

    @Override
    public void onFailure(Session session, Throwable failure, Callback callback) {
      lastFailure = failure;
      ended(failure);
      callback.succeeded();
    }

    @Override
    public void onPing(Session session, PingFrame frame) {
      Connected open = current;
      if (frame.isReply() && open != null && open.session().equals(session)) {
        open.answered();
      }
    }

    @Override
    public boolean onIdleTimeout(Session session) {
      return false;
    }
  }

  @Override
  public void close() {
    closed = true;
    pings.shutdownNow();
    Connected open = current;
    if (open != null) {
      open.forgetAll();
      close(open.session(), "done");
    }
    try {
      client.stop();
      if (tls != null) {
        tls.stop();
      }
    } catch (Exception e) {
      throw new IllegalStateException("the connection to etcd cannot be closed", e);
    }
  }
}
