package io.calico4j.core.datastore.etcd;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.calico4j.core.datastore.Datastore.Watch;
import io.calico4j.core.datastore.Datastore.WatchListener;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import io.etcd.jetcd.api.AuthenticateRequest;
import io.etcd.jetcd.api.AuthenticateResponse;
import io.etcd.jetcd.api.WatchRequest;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HostPortHttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http.MetaData;
import org.jspecify.annotations.Nullable;

/**
 * Requests to etcd's v3 API (rpc.proto), and watches, straight on HTTP/2. An idle host's
 * transaction takes three quarters of the time that it takes through jetcd: the caller's thread
 * writes it, and one other reads the answer.
 */
final class EtcdCalls implements AutoCloseable {
  private static final String AUTHENTICATE = "/etcdserverpb.Auth/Authenticate";
  private static final String WATCH = "/etcdserverpb.Watch/Watch";
  private static final long PAUSE_MILLIS = 50;

  /** A new leader does not need a new connection. */
  private static final String LEADER_CHANGED = "etcdserver: leader changed";

  /** What etcd says of a token it does not know any more (rpctypes/error.go). */
  private static final Set<String> STALE_TOKEN =
      Set.of("etcdserver: invalid auth token", "etcdserver: revision of auth store is old");

  /** What it says to those who have none, depending on their certificates. */
  private static final Set<Integer> WITHOUT_LOGIN =
      Set.of(GrpcStatus.INVALID_ARGUMENT, GrpcStatus.PERMISSION_DENIED, GrpcStatus.UNAUTHENTICATED);

  private final EtcdConfig config;
  private final EtcdConnection connection;

  /** Those without a token. */
  private final Headers anonymous;

  /** Those with the token; null until there is one. */
  private volatile @Nullable Headers authenticated;

  /** The headers of all requests; those of one method are made once, which takes some time. */
  private final class Headers {
    private final HttpFields fields;
    private final Map<String, MetaData.Request> requests = new ConcurrentHashMap<>();

    Headers(HttpFields fields) {
      this.fields = fields;
    }

    MetaData.Request request(String path) {
      return requests.computeIfAbsent(path, this::newRequest);
    }

    private MetaData.Request newRequest(String path) {
      return new MetaData.Request(
          "POST",
          config.tls() == null ? "http" : "https",
          new HostPortHttpField("etcd"),
          path,
          HttpVersion.HTTP_2,
          fields,
          -1);
    }
  }

  EtcdCalls(EtcdConfig config) {
    this.config = config;
    this.connection = new EtcdConnection(config);
    this.anonymous =
        new Headers(
            HttpFields.build()
                .put("te", "trailers")
                .put("content-type", "application/grpc")
                .put("user-agent", "calico4j")
                .put("hasleader", "true")
                .asImmutable());
  }

  /**
   * Makes a request and waits for its answer, the configured time at most.
   *
   * @param read whether it may be made again when the connection broke under it; a write is only
   *     when etcd has certainly not done it
   * @param sent run once, when the request is on its way
   * @throws CallFailure of each kind
   */
  <A> A call(String path, MessageLite request, Parser<A> parser, boolean read, Runnable sent)
      throws CallFailure, InterruptedException {
    long end = System.nanoTime() + config.timeout().toNanos();
    boolean told = false;
    boolean renewed = false;
    while (true) {
      Connected to = connection.get(end);
      Headers headers;
      try {
        headers = headers(to, end);
      } catch (CallFailure failure) {
        if (!(failure.getCause() instanceof CallFailure cause) || !isPassing(cause, end)) {
          throw failure;
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        continue;
      }
      UnaryCall call = UnaryCall.begin(to.session(), headers.request(path), request);
      if (!told) {
        told = true;
        sent.run();
      }
      try {
        A answer = call.await(parser, end - System.nanoTime());
        connection.answered(to);
        return answer;
      } catch (CallFailure failure) {
        handle(failure, to);
        if (!renewed && isOldLogin(failure, headers)) {
          renewed = true;
          authenticated = null;
        } else if (!read && !failure.isNothingDone() || !isPassing(failure, end)) {
          throw failure;
        } else {
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        }
      }
    }
  }

  /**
   * Asks for events, and waits for a connection if there is none. However it fails, the listener
   * hears of it.
   */
  Watch watch(WatchRequest request, WatchListener listener) {
    EtcdWatch watch = new EtcdWatch(listener);
    long end = System.nanoTime() + config.timeout().toNanos();
    try {
      Connected to = connection.get(end);
      watch.begin(to, headers(to, end).request(WATCH), request);
    } catch (CallFailure e) {
      watch.end(new UnavailableException("no watch: " + e.getMessage(), true, e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      watch.end(new UnavailableException("interrupted", true, e));
    }
    return watch;
  }

  private void handle(CallFailure failure, Connected to) {
    switch (failure.kind()) {
      case REFUSED -> {
        connection.answered(to);
        if (failure.status() == GrpcStatus.UNAVAILABLE
            && !failure.getMessage().contains(LEADER_CHANGED)
            && config.endpoints().size() > 1) {
          connection.abandon(to);
        }
      }
      case NO_LEADER -> connection.missesLeader(to);
      case LATE -> connection.suspect(to);
      case LOST -> connection.abandon(to);
      case NOT_SENT -> {}
    }
  }

  /** Tells whether the same request may well succeed a little later, and still in time. */
  private static boolean isPassing(CallFailure failure, long end) {
    return (failure.kind() == Kind.LOST || failure.status() == GrpcStatus.UNAVAILABLE)
        && end - System.nanoTime() > 0;
  }

  /**
   * Tells whether etcd refused a request, without doing anything, that it may grant after another
   * login: its members forget tokens, and authentication may have been enabled meanwhile.
   */
  private boolean isOldLogin(CallFailure failure, Headers used) {
    if (config.user() == null) {
      return false;
    }
    return used.equals(anonymous)
        ? WITHOUT_LOGIN.contains(failure.status())
        : STALE_TOKEN.stream().anyMatch(text -> failure.getMessage().contains(text));
  }

  private Headers headers(Connected to, long end) throws CallFailure, InterruptedException {
    if (config.user() == null || config.password() == null) {
      return anonymous;
    }
    Headers known = authenticated;
    if (known == null) {
      known = authenticate(to, end);
      authenticated = known;
    }
    return known;
  }

  private Headers authenticate(Connected to, long end) throws CallFailure, InterruptedException {
    AuthenticateRequest request =
        AuthenticateRequest.newBuilder()
            .setName(config.user())
            .setPassword(config.password())
            .build();
    try {
      AuthenticateResponse answer =
          UnaryCall.begin(to.session(), anonymous.request(AUTHENTICATE), request)
              .await(AuthenticateResponse.parser(), end - System.nanoTime());
      connection.answered(to);
      return new Headers(
          HttpFields.build(anonymous.fields).put("token", answer.getToken()).asImmutable());
    } catch (CallFailure e) {
      handle(e, to);
      if (e.kind() != Kind.REFUSED || e.status() == GrpcStatus.UNAVAILABLE) {
        throw new CallFailure(Kind.NOT_SENT, "log in: " + e.getMessage(), e);
      }
      if (e.status() == GrpcStatus.FAILED_PRECONDITION) {
        // Nobody needs to log in as long as authentication is not enabled.
        return anonymous;
      }
      throw new CallFailure(GrpcStatus.UNAUTHENTICATED, "log in: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    connection.close();
  }
}
