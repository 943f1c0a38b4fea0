package io.calico4j.core.datastore.etcd;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes answers, and what watches bring, on the connection's own thread, which spares wake-ups:
 * listeners only put events into a queue. And ends each request after a time, also one that waits
 * for a connection. A write that its caller has given up must not be sent when etcd comes back:
 * what was undone meanwhile would be done again. One clock looks after all requests: gRPC's own
 * deadlines wake a thread twice for each.
 */
final class RequestDeadline implements ClientInterceptor, AutoCloseable {
  /** How much later than the deadline a request may end. */
  static final Duration PRECISION = Duration.ofMillis(500);

  private static final Logger log = LoggerFactory.getLogger(RequestDeadline.class);

  private final Duration timeout;
  private final Set<Running<?, ?>> running = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "etcd-deadlines");
            thread.setDaemon(true);
            return thread;
          });

  RequestDeadline(Duration timeout) {
    this.timeout = timeout;
    var unused =
        clock.scheduleWithFixedDelay(
            this::endOverdue, PRECISION.toMillis(), PRECISION.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void endOverdue() {
    long now = System.nanoTime();
    for (Running<?, ?> call : running) {
      if (call.end - now <= 0) {
        try {
          call.expire();
        } catch (RuntimeException e) {
          // An exception would stop the clock, and with it the deadline of every later request.
          log.error("a request to etcd could not be ended", e);
        }
      }
    }
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    if (method.getType() != MethodDescriptor.MethodType.UNARY) {
      return next.newCall(method, options.withExecutor(Runnable::run));
    }
    return new Running<>(next.newCall(method, options.withExecutor(Runnable::run)));
  }

  /** A request from its start to its end. */
  private final class Running<Q, A> extends SimpleForwardingClientCall<Q, A> {
    private final long end = System.nanoTime() + timeout.toNanos();
    private volatile boolean expired;

    Running(ClientCall<Q, A> call) {
      super(call);
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      running.add(this);
      try {
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                running.remove(Running.this);
                super.onClose(expired && !status.isOk() ? late() : status, trailers);
              }
            },
            headers);
      } catch (RuntimeException e) {
        running.remove(this);
        throw e;
      }
    }

    private Status late() {
      return Status.DEADLINE_EXCEEDED.withDescription(
          "no answer within " + timeout.toMillis() + " ms");
    }

    void expire() {
      expired = true;
      cancel("no answer in time", null);
    }
  }

  /** Stops the clock; requests that are under way end with the connection. */
  @Override
  public void close() {
    clock.shutdownNow();
  }
}
