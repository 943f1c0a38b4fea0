package io.calico4j.core.datastore.etcd;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.calico4j.core.datastore.etcd.CallFailure.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
  /** A byte that says whether the message is compressed (0), and four of its length. */
  private static final int PREFIX = 5;

  private static final int HTTP_OK = 200;

  private final CompletableFuture<byte[]> answer = new CompletableFuture<>();
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();
  private volatile @Nullable Stream stream;
  private int httpStatus = HTTP_OK;

  private UnaryCall() {}

  /** Sends a request on a connection. */
  static UnaryCall begin(Session session, MetaData.Request headers, MessageLite request) {
    UnaryCall call = new UnaryCall();
    FrameList frames =
        new FrameList(
            new HeadersFrame(headers, null, false), new DataFrame(framed(request), true), null);
    ((HTTP2Session) session).newStream(frames, call.new Begun(), call);
    return call;
  }

  private static ByteBuffer framed(MessageLite request) {
    int length = request.getSerializedSize();
    ByteBuffer bytes = ByteBuffer.allocate(PREFIX + length);
    bytes.put((byte) 0).putInt(length);
    try {
      request.writeTo(CodedOutputStream.newInstance(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException("a message is longer than it says", e);
    }
    return bytes.rewind();
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
      byte[] message = answer.get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
      return parser.parseFrom(ByteBuffer.wrap(message, PREFIX, message.length - PREFIX));
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
      ByteBuffer bytes = data.frame().getByteBuffer();
      byte[] chunk = new byte[bytes.remaining()];
      bytes.get(chunk);
      boolean last = data.frame().isEndStream();
      data.release();
      received.writeBytes(chunk);
      if (last) {
        end(HttpFields.EMPTY);
        return;
      }
    }
  }

  /** The stream has ended with these trailers; an error may come without a message before it. */
  private void end(HttpFields trailers) {
    String status = trailers.get("grpc-status");
    if (status == null || !status.matches("[0-9]{1,3}")) {
      fail(new CallFailure(GrpcStatus.UNKNOWN, "HTTP " + httpStatus + " without grpc-status"));
    } else if (Integer.parseInt(status) != GrpcStatus.OK) {
      fail(new CallFailure(Integer.parseInt(status), message(trailers)));
    } else {
      byte[] message = received.toByteArray();
      if (message.length < PREFIX
          || message[0] != 0
          || ByteBuffer.wrap(message).getInt(1) != message.length - PREFIX) {
        fail(new CallFailure(GrpcStatus.UNKNOWN, "the answer is not one whole message"));
      } else {
        answer.complete(message);
      }
    }
  }

  private static String message(HttpFields trailers) {
    String text = trailers.get("grpc-message");
    try {
      // Percent-encoded, where a plus sign is itself.
      return text == null
          ? "no message"
          : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
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
