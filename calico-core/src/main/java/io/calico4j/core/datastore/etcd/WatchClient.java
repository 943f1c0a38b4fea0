package io.calico4j.core.datastore.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Sets up jetcd's client, which serves watches. */
final class WatchClient {
  private static final Duration KEEPALIVE = Duration.ofSeconds(30);
  private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Takes what watches bring on the connection's own thread, which spares wake-ups: listeners only
   * put events into a queue.
   */
  private static final class OnTheConnectionsThread implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return next.newCall(method, options.withExecutor(Runnable::run));
    }
  }

  private WatchClient() {}

  /** Prepares a connection; it is made for the first watch. */
  static Client connect(EtcdConfig config) {
    PromptReconnect.register();
    ClientBuilder builder =
        Client.builder()
            .loadBalancerPolicy(PromptReconnect.NAME)
            .endpoints(config.endpoints().toArray(String[]::new))
            .connectTimeout(config.timeout())
            .keepaliveTime(KEEPALIVE)
            .keepaliveTimeout(KEEPALIVE_TIMEOUT)
            .retryMaxDuration(config.timeout())
            .executorService(new CallerRuns())
            .waitForReady(true);
    if (config.user() != null && config.password() != null) {
      builder
          .user(ByteSequence.from(config.user(), StandardCharsets.UTF_8))
          .password(ByteSequence.from(config.password(), StandardCharsets.UTF_8));
    }
    Tls tls = config.tls();
    if (tls != null) {
      try {
        builder.sslContext(tls::apply);
      } catch (IOException e) {
        throw new UncheckedIOException("TLS for etcd cannot be set up", e);
      }
    }
    return builder.interceptor(new OnTheConnectionsThread()).build();
  }
}
