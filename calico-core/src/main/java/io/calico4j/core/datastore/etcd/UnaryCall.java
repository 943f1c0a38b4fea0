package io.calico4j.core.datastore.etcd;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.HTTP2Stream.FrameList;
import org.eclipse.jetty.http2.api.Session;
import org.eclipse.jetty.http2.api.Stream;
import org.eclipse.jetty.http2.frames.DataFrame;
import org.eclipse.jetty.http2.frames.HeadersFrame;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/**
 * One request with one answer, as gRPC puts it into an HTTP/2 stream (doc/PROTOCOL-HTTP2.md in
 * grpc/grpc): headers and one length-prefixed message there; headers, one such message and trailers
 * with {@code grpc-status} back. The request is written on the thread that begins it; the answer is
 * taken on the connection's.
 */
final class UnaryCall implements Stream.Listener {
  private static final int HTTP_OK = 200;

  private final CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
  private final GrpcMessages messages = new GrpcMessages();
  private volatile @Nullable Stream stream;
  private int httpStatus = HTTP_OK;

  private UnaryCall() {}

  /** Sends a request on a connection. */
  static UnaryCall begin(Session session, MetaData.Request headers, MessageLite request) {
    UnaryCall call = new UnaryCall();
    FrameList frames =
        new FrameList(
            new HeadersFrame(headers, null, false),
            new DataFrame(GrpcMessages.framed(request), true),
            null);
    ((HTTP2Session) session).newStream(frames, call.new Begun(), call);
    return call;
  }

  /** Hears whether the request has left. */
  private final class Begun extends Promise.Invocable.NonBlocking<Stream> {
    @Override
    public void succeeded(Stream begun) {
      stream = begun;
    }

    @Override
    public void failed(Throwable cause) {
      lost(cause);
    }
  }

  private void lost(Throwable cause) {
    fail(new CallFailure(Kind.LOST, "the connection broke: " + cause.getMessage(), cause));
  }

  private void fail(CallFailure failure) {
    answer.completeExceptionally(failure);
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

  private void cancel() {
    Stream begun = stream;
    if (begun != null) {
      begun.reset(new ResetFrame(begun.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
    }
  }

  @Override
  public void onHeaders(Stream from, HeadersFrame frame) {
    if (frame.getMetaData() instanceof MetaData.Response response) {
      httpStatus = response.getStatus();
    }
    if (frame.isEndStream()) {
      end(frame.getMetaData().getHttpFields());
    } else {
      from.demand();
    }
  }

  @Override
  public void onDataAvailable(Stream from) {
    while (true) {
      Stream.Data data = from.readData();
      if (data == null) {
        from.demand();
        return;
      }
      messages.add(data.frame().getByteBuffer());
      boolean last = data.frame().isEndStream();
      data.release();
      if (last) {
        end(HttpFields.EMPTY);
        return;
      }
    }
  }

  /** The stream has ended with these trailers; an error may come without a message before it. */
  private void end(HttpFields trailers) {
    CallFailure failure = GrpcMessages.failure(trailers);
    try {
      ByteBuffer message = messages.next();
      if (failure != null) {
        fail(failure);
      } else if (message == null) {
        fail(new CallFailure(GrpcStatus.UNKNOWN, "HTTP " + httpStatus + " without an answer"));
      } else {
        answer.complete(message);
      }
    } catch (InvalidProtocolBufferException e) {
      fail(new CallFailure(GrpcStatus.UNKNOWN, e.getMessage()));
    }
  }

  @Override
  public void onReset(Stream from, ResetFrame frame, Callback callback) {
    callback.succeeded();
    fail(
        new CallFailure(
            Kind.LOST, "etcd gave it up: " + ErrorCode.toString(frame.getError(), "?"), null));
  }

  @Override
  public void onFailure(
      Stream from, int error, String reason, Throwable failure, Callback callback) {
    callback.succeeded();
    lost(failure == null ? new IOException(reason) : failure);
  }
}
