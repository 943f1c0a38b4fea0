package io.calico4j.core.datastore.etcd;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Takes the answer of each request on the connection's own thread, which spares a wake-up; what a
 * watch brings is read elsewhere, so that no answer waits behind it. And ends each request after a
 * time, also one that waits for a connection. A write that its caller has given up must not be sent
 * when etcd comes back: what was undone meanwhile would be done again.
 */
final class RequestDeadline implements ClientInterceptor {
  private final Duration timeout;

  RequestDeadline(Duration timeout) {
    this.timeout = timeout;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    boolean single = method.getType() == MethodDescriptor.MethodType.UNARY;
    return next.newCall(
        method,
        single
            ? options
                .withExecutor(Runnable::run)
                .withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS)
            : options);
  }
}
