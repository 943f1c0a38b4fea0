package io.calico4j.core.datastore.etcd;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.http2.api.Session;
import org.jspecify.annotations.Nullable;

/** One request with one answer. */
final class UnaryCall extends GrpcStream {
  private final CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
  private @Nullable ByteBuffer received;

  private UnaryCall() {}

  /** Sends a request on a connection. */
  static UnaryCall begin(Session session, MetaData.Request headers, MessageLite request) {
    UnaryCall call = new UnaryCall();
    call.open(session, headers, request, true);
    return call;
  }

  /**
   * Waits for the answer; a request that is not answered in time is cancelled.
   *
   * @param nanos how long
   * @throws CallFailure of each kind but {@link Kind#NOT_SENT}
   */
  <A> A await(Parser<A> parser, long nanos) throws CallFailure, InterruptedException {
    try {
      return parser.parseFrom(answer.get(Math.max(0, nanos), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      cancel();
      throw new CallFailure(Kind.LATE, "no answer in time", e);
    } catch (InterruptedException e) {
      cancel();
      throw e;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof CallFailure failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InvalidProtocolBufferException e) {
      throw new CallFailure(GrpcStatus.UNKNOWN, "the answer cannot be read: " + e.getMessage());
    }
  }

  @Override
  void onMessage(ByteBuffer message) throws InvalidProtocolBufferException {
    if (received != null) {
      throw new InvalidProtocolBufferException("a second answer");
    }
    received = message;
  }

  @Override
  void onEnd(@Nullable CallFailure failure) {
    ByteBuffer message = received;
    if (failure == null && message != null) {
      answer.complete(message);
    } else {
      answer.completeExceptionally(
          failure == null
              ? new CallFailure(GrpcStatus.UNKNOWN, "an end without an answer")
              : failure);
    }
  }

  @Override
  void onBroken(Throwable cause) {
    answer.completeExceptionally(
        new CallFailure(Kind.LOST, "the connection broke: " + cause, cause));
  }
}
