package io.calico4j.core.datastore.etcd;

import com.google.common.util.concurrent.ListenableFuture;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One request with one answer, which knows whether the request may have left.
 *
 * @param <A> the answer
 */
final class UnaryCall<A> {
  private final ListenableFuture<A> answer;
  private final Sent sent;

  private UnaryCall(ListenableFuture<A> answer, Sent sent) {
    this.answer = answer;
    this.sent = sent;
  }

  /** Hears when gRPC gives the request to a connection that stands. */
  private static final class Sent extends ClientStreamTracer.Factory {
    private volatile boolean sent;

    @Override
    public ClientStreamTracer newClientStreamTracer(
        ClientStreamTracer.StreamInfo info, Metadata headers) {
      return new ClientStreamTracer() {
        @Override
        public void streamCreated(Attributes transport, Metadata headers) {
          sent = true;
        }
      };
    }
  }

  /** Sends a request to a member; it goes as soon as there is a connection. */
  static <Q, A> UnaryCall<A> begin(
      Member to, Metadata headers, MethodDescriptor<Q, A> method, Q request, long nanos) {
    Sent sent = new Sent();
    ClientCall<Q, A> call =
        ClientInterceptors.intercept(
                to.channel(), MetadataUtils.newAttachHeadersInterceptor(headers))
            .newCall(
                method,
                CallOptions.DEFAULT
                    .withStreamTracerFactory(sent)
                    .withDeadlineAfter(nanos, TimeUnit.NANOSECONDS));
    return new UnaryCall<>(ClientCalls.futureUnaryCall(call, request), sent);
  }

  /**
   * Waits for the answer. A request that is not answered in time is cancelled.
   *
   * @param nanos how long
   * @param connectNanos how long it may wait for a connection
   * @throws CallFailure of each kind
   */
  A await(long nanos, long connectNanos) throws CallFailure, InterruptedException {
    try {
      if (connectNanos >= nanos) {
        return answer.get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
      }
      try {
        return answer.get(Math.max(0, connectNanos), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (!sent.sent) {
          throw e;
        }
        return answer.get(nanos - connectNanos, TimeUnit.NANOSECONDS);
      }
    } catch (TimeoutException e) {
      boolean unused = answer.cancel(true);
      throw new CallFailure(
          sent.sent ? Kind.LATE : Kind.NOT_SENT,
          sent.sent ? "no answer in time" : "no connection in time",
          e);
    } catch (InterruptedException e) {
      boolean unused = answer.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      throw CallFailure.of(Objects.requireNonNullElse(e.getCause(), e), sent.sent);
    }
  }
}
