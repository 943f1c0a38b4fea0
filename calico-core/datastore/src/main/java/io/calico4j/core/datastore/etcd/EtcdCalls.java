package io.calico4j.core.datastore.etcd;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import io.calico4j.core.datastore.Datastore.Watch;
import io.calico4j.core.datastore.Datastore.WatchListener;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import io.etcd.jetcd.api.AuthGrpc;
import io.etcd.jetcd.api.AuthenticateRequest;
import io.etcd.jetcd.api.AuthenticateResponse;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.StatusResponse;
import io.etcd.jetcd.api.WatchRequest;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests and watches on the member of etcd that is in use: each with a deadline, each in need of
 * a leader, repeated where that is safe. The login is renewed when etcd has forgotten it.
 */
final class EtcdCalls implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EtcdCalls.class);
  private static final long PAUSE_MILLIS = 50;

  /** How long one of several members may take to accept a connection. */
  private static final long CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(2000);

  /** How long a member that owes an answer may take to say that it is there. */
  private static final long PROBE_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** A new leader does not need a new connection. */
  private static final String LEADER_CHANGED = "etcdserver: leader changed";

  /** What etcd says of a token it does not know any more (rpctypes/error.go). */
  private static final Set<String> STALE_TOKEN =
      Set.of("etcdserver: invalid auth token", "etcdserver: revision of auth store is old");

  /** What it says to those who have none, depending on their certificates. */
  private static final Set<Status.Code> WITHOUT_LOGIN =
      Set.of(
          Status.Code.INVALID_ARGUMENT, Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED);

  private static final Metadata.Key<String> LEADER =
      Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER);

  private static final Metadata.Key<String> TOKEN =
      Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

  private final EtcdConfig config;
  private final Members members;

  /** What goes with requests that have no token. */
  private final Metadata anonymous = new Metadata();

  /** What goes with requests that have the token; null until there is one. */
  private volatile @Nullable Metadata authenticated;

  private volatile boolean closed;

  /**
   * Prepares.
   *
   * @param patient whether a request waits for members that were never reached
   */
  EtcdCalls(EtcdConfig config, boolean patient) {
    this.config = config;
    members = new Members(config, patient);
    // A member that is cut off from its cluster refuses, instead of waiting for ever.
    anonymous.put(LEADER, "true");
  }

  /**
   * Makes a request and waits for its answer, the configured time at most.
   *
   * @param read whether it may be made again when the connection broke under it; a write is only
   *     when etcd has certainly not done it
   * @throws CallFailure of each kind
   */
  <Q, A> A call(MethodDescriptor<Q, A> method, Q request, boolean read)
      throws CallFailure, InterruptedException {
    long end = System.nanoTime() + config.timeout().toNanos();
    boolean renewed = false;
    while (true) {
      Member to = members.current(end);
      Metadata headers;
      try {
        headers = headers(to, end);
      } catch (CallFailure failure) {
        if (!(failure.getCause() instanceof CallFailure cause) || !isPassing(cause, end)) {
          throw failure;
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        continue;
      }
      UnaryCall<A> call = UnaryCall.begin(to, headers, method, request, end - System.nanoTime());
      try {
        return await(call, to, end);
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
   * Makes a request, once, whose answers come one after the other, of a member that has answered
   * another request just now. It needs no leader: what the member itself has can be read from it
   * when its cluster is lost.
   *
   * @param limit how long all of it may take
   * @return the answers; {@link StatusRuntimeException} instead of one that does not come
   */
  <Q, A> Iterator<A> stream(MethodDescriptor<Q, A> method, Q request, Duration limit)
      throws CallFailure, InterruptedException {
    try {
      var unused =
          call(MaintenanceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance(), true);
    } catch (CallFailure failure) {
      if (failure.kind() != Kind.NO_LEADER) {
        throw failure;
      }
    }
    long end = System.nanoTime() + config.timeout().toNanos();
    Member to = members.current(end);
    Metadata headers = new Metadata();
    headers.merge(headers(to, end));
    headers.discardAll(LEADER);
    return ClientCalls.blockingServerStreamingCall(
        ClientInterceptors.intercept(
            to.channel(), MetadataUtils.newAttachHeadersInterceptor(headers)),
        method,
        CallOptions.DEFAULT.withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS),
        request);
  }

  /** Tells whether no member could be reached, and that is enough. */
  boolean isGivenUp() {
    return members.isGivenUp();
  }

  /** Says why each member could not be reached. */
  String failures() {
    return members.failures();
  }

  private <A> A await(UnaryCall<A> call, Member to, long end)
      throws CallFailure, InterruptedException {
    long left = end - System.nanoTime();
    A answer = call.await(left, members.size() > 1 ? CONNECT_NANOS : left);
    members.answered(to);
    return answer;
  }

  /**
   * Asks for events, and waits for its turn to connect. However it fails, the listener hears of it.
   */
  Watch watch(WatchRequest request, WatchListener listener) {
    long end = System.nanoTime() + config.timeout().toNanos();
    EtcdWatch watch = new EtcdWatch(listener, () -> closed);
    try {
      Member to = members.current(end);
      watch.begin(to, headers(to, end), request, failure -> handle(failure, to));
    } catch (CallFailure e) {
      watch.end(new UnavailableException("no watch: " + e.getMessage(), true, e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      watch.end(new UnavailableException("interrupted", true, e));
    }
    return watch;
  }

  private void handle(CallFailure failure, Member to) {
    switch (failure.kind()) {
      case REFUSED -> {
        members.answered(to);
        if (failure.status() == Status.Code.UNAVAILABLE
            && !String.valueOf(failure.getMessage()).contains(LEADER_CHANGED)
            && members.size() > 1) {
          members.leave(to, failure);
        }
      }
      case NO_LEADER -> {
        if (members.size() > 1 && to.missesLeader()) {
          log.debug("etcd at {} has no leader", to);
          members.leave(to, failure);
        }
      }
      case LATE -> probe(to);
      case LOST, NOT_SENT -> members.leave(to, failure);
    }
  }

  /**
   * A request was not answered in time. A member that is only slow keeps its channel, and with it
   * the watches, which would all list again; one that does not even tell its status is left.
   */
  private void probe(Member to) {
    if (!to.beginProbe()) {
      return;
    }
    Futures.addCallback(
        MaintenanceGrpc.newFutureStub(to.channel())
            .withDeadlineAfter(PROBE_NANOS, TimeUnit.NANOSECONDS)
            .status(StatusRequest.getDefaultInstance()),
        new FutureCallback<StatusResponse>() {
          @Override
          public void onSuccess(@Nullable StatusResponse status) {
            to.endProbe();
          }

          @Override
          public void onFailure(Throwable cause) {
            to.endProbe();
            CallFailure failure = CallFailure.of(cause, true);
            if (failure.kind() == Kind.LATE) {
              members.leave(to, new CallFailure(Kind.LATE, "no answer within 2 s", cause));
            } else if (failure.kind() == Kind.LOST) {
              members.leave(to, failure);
            }
          }
        },
        MoreExecutors.directExecutor());
  }

  /** Tells whether the same request may well succeed a little later, and still in time. */
  private boolean isPassing(CallFailure failure, long end) {
    return !closed
        && !members.isGivenUp()
        && (failure.kind() == Kind.LOST
            || failure.kind() == Kind.NOT_SENT
            || failure.status() == Status.Code.UNAVAILABLE)
        && end - System.nanoTime() > 0;
  }

  /**
   * Tells whether etcd refused a request, without doing anything, that it may grant after another
   * login: its members forget tokens, and authentication may have been enabled meanwhile.
   */
  private boolean isOldLogin(CallFailure failure, Metadata used) {
    if (config.user() == null) {
      return false;
    }
    return used == anonymous
        ? WITHOUT_LOGIN.contains(failure.status())
        : STALE_TOKEN.stream().anyMatch(String.valueOf(failure.getMessage())::contains);
  }

  private Metadata headers(Member to, long end) throws CallFailure, InterruptedException {
    if (config.user() == null || config.password() == null) {
      return anonymous;
    }
    Metadata known = authenticated;
    if (known == null) {
      known = authenticate(to, end);
      authenticated = known;
    }
    return known;
  }

  private Metadata authenticate(Member to, long end) throws CallFailure, InterruptedException {
    AuthenticateRequest request =
        AuthenticateRequest.newBuilder()
            .setName(config.user())
            .setPassword(config.password())
            .build();
    try {
      AuthenticateResponse answer =
          await(
              UnaryCall.begin(
                  to,
                  anonymous,
                  AuthGrpc.getAuthenticateMethod(),
                  request,
                  end - System.nanoTime()),
              to,
              end);
      Metadata headers = new Metadata();
      headers.merge(anonymous);
      headers.put(TOKEN, answer.getToken());
      return headers;
    } catch (CallFailure e) {
      handle(e, to);
      if (e.kind() != Kind.REFUSED || e.status() == Status.Code.UNAVAILABLE) {
        throw new CallFailure(Kind.NOT_SENT, "log in: " + e.getMessage(), e);
      }
      if (e.status() == Status.Code.FAILED_PRECONDITION) {
        // Nobody needs to log in as long as authentication is not enabled.
        return anonymous;
      }
      throw CallFailure.unauthenticated("log in: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    closed = true;
    members.close();
  }
}
