package io.calico4j.core.datastore.etcd;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.nio.ByteBuffer;
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
 * One call as gRPC puts it into an HTTP/2 stream (doc/PROTOCOL-HTTP2.md in grpc/grpc): headers and
 * one message there; headers, messages and trailers with {@code grpc-status} back. The request is
 * written on the thread that opens the stream; what comes back is taken on the connection's, whose
 * time it must not take.
 */
abstract class GrpcStream implements Stream.Listener {
  private final GrpcMessages messages = new GrpcMessages();
  private volatile @Nullable Stream stream;
  private volatile boolean cancelled;

  /** Takes one message, which is valid until the next one; what this throws ends the stream. */
  abstract void onMessage(ByteBuffer message) throws InvalidProtocolBufferException;

  /** etcd has ended the stream, with an error or without. */
  abstract void onEnd(@Nullable CallFailure failure);

  /** The stream has ended otherwise; what was sent may or may not have been read. */
  abstract void onBroken(Throwable cause);

  /**
   * Sends the request.
   *
   * @param last whether nothing will follow it
   */
  final void open(Session session, MetaData.Request headers, MessageLite request, boolean last) {
    FrameList frames =
        new FrameList(
            new HeadersFrame(headers, null, false),
            new DataFrame(GrpcMessages.framed(request), last),
            null);
    ((HTTP2Session) session).newStream(frames, new Opened(), this);
  }

  /** Hears whether the request has left. */
  private final class Opened extends Promise.Invocable.NonBlocking<Stream> {
    @Override
    public void succeeded(Stream opened) {
      stream = opened;
      if (cancelled) {
        cancel();
      }
    }

    @Override
    public void failed(Throwable cause) {
      onBroken(cause);
    }
  }

  /** Lets etcd know that nobody is interested any more. */
  final void cancel() {
    cancelled = true;
    Stream open = stream;
    if (open != null) {
      open.reset(new ResetFrame(open.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
    }
  }

  @Override
  public final void onHeaders(Stream from, HeadersFrame frame) {
    if (frame.isEndStream()) {
      onEnd(GrpcMessages.failure(frame.getMetaData().getHttpFields()));
    } else {
      from.demand();
    }
  }

  @Override
  public final void onDataAvailable(Stream from) {
    while (true) {
      Stream.Data data = from.readData();
      if (data == null) {
        from.demand();
        return;
      }
      boolean last = data.frame().isEndStream();
      try {
        messages.add(data.frame().getByteBuffer());
        ByteBuffer message = messages.next();
        while (message != null) {
          onMessage(message);
          message = messages.next();
        }
      } catch (InvalidProtocolBufferException | RuntimeException e) {
        onBroken(e);
        cancel();
        return;
      } finally {
        data.release();
      }
      if (last) {
        onEnd(GrpcMessages.failure(HttpFields.EMPTY));
        return;
      }
    }
  }

  @Override
  public final void onReset(Stream from, ResetFrame frame, Callback callback) {
    callback.succeeded();
    onBroken(new IOException("etcd gave it up: " + ErrorCode.toString(frame.getError(), "?")));
  }

  @Override
  public final void onFailure(
      Stream from, int error, String reason, Throwable failure, Callback callback) {
    callback.succeeded();
    onBroken(failure == null ? new IOException(reason) : failure);
  }
}
