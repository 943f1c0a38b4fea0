package io.calico4j.core.datastore.etcd;

import com.google.protobuf.InvalidProtocolBufferException;
import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.Datastore.Watch;
import io.calico4j.core.datastore.Datastore.WatchListener;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.UnavailableException;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.HTTP2Stream.FrameList;
import org.eclipse.jetty.http2.api.Stream;
import org.eclipse.jetty.http2.frames.DataFrame;
import org.eclipse.jetty.http2.frames.HeadersFrame;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One watch, as a stream of its own (Watch in etcd's rpc.proto): one request there, then events
 * until it is closed or ends. Events are delivered on the connection's thread, whose time they must
 * not take.
 */
final class EtcdWatch implements Stream.Listener, Watch {
  private static final Logger log = LoggerFactory.getLogger(EtcdWatch.class);

  private final WatchListener listener;
  private final GrpcMessages messages = new GrpcMessages();
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile @Nullable Connected connection;
  private volatile @Nullable Stream stream;

  EtcdWatch(WatchListener listener) {
    this.listener = listener;
  }

  /** Asks for the events on a connection, with whose end it ends. */
  void begin(Connected on, MetaData.Request headers, WatchRequest request) {
    connection = on;
    on.onEnd(this, this::broke);
    FrameList frames =
        new FrameList(
            new HeadersFrame(headers, null, false),
            new DataFrame(GrpcMessages.framed(request), false),
            null);
    ((HTTP2Session) on.session())
        .newStream(
            frames,
            new Promise.Invocable.NonBlocking<Stream>() {
              @Override
              public void succeeded(Stream begun) {
                stream = begun;
                if (ended.get()) {
                  cancel(begun);
                }
              }

              @Override
              public void failed(Throwable cause) {
                broke(cause);
              }
            },
            this);
  }

  private static void cancel(Stream stream) {
    stream.reset(new ResetFrame(stream.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
  }

  /** Ends it with an error, unless it has ended. */
  void end(DatastoreException cause) {
    if (ended.compareAndSet(false, true)) {
      leave();
      listener.onEnd(cause);
    }
  }

  private void leave() {
    Connected on = connection;
    if (on != null) {
      on.forget(this);
    }
  }

  private void broke(@Nullable Throwable cause) {
    end(
        new UnavailableException(
            "the watch broke: " + (cause == null ? "the connection ended" : cause.getMessage()),
            true,
            cause));
  }

  @Override
  public void onHeaders(Stream from, HeadersFrame frame) {
    if (frame.isEndStream()) {
      HttpFields trailers = frame.getMetaData().getHttpFields();
      broke(GrpcMessages.failure(trailers));
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
      boolean last = data.frame().isEndStream();
      try {
        messages.add(data.frame().getByteBuffer());
        ByteBuffer message = messages.next();
        while (message != null) {
          deliver(WatchResponse.parseFrom(message), from);
          message = messages.next();
        }
      } catch (InvalidProtocolBufferException | RuntimeException e) {
        // Going on would lose an event.
        log.error("what a watch brought cannot be delivered", e);
        broke(e);
        cancel(from);
        return;
      } finally {
        data.release();
      }
      if (last) {
        broke(null);
        return;
      }
    }
  }

  private void deliver(WatchResponse response, Stream from) {
    if (response.getCanceled()) {
      long compacted = response.getCompactRevision();
      end(
          compacted > 0
              ? new CompactedException(compacted, null)
              : new UnavailableException(
                  "etcd ended the watch: " + response.getCancelReason(), true, null));
      cancel(from);
      return;
    }
    for (Event event : response.getEventsList()) {
      if (ended.get()) {
        return;
      }
      KeyValue pair = event.getKv();
      switch (event.getType()) {
        case PUT -> listener.onPut(entry(pair));
        case DELETE -> listener.onDelete(pair.getKey().toStringUtf8(), pair.getModRevision());
        case UNRECOGNIZED -> throw new IllegalStateException("etcd sent an unknown event");
      }
    }
  }

  /** Returns a key with its value. */
  static Entry entry(KeyValue pair) {
    return new Entry(
        pair.getKey().toStringUtf8(), pair.getValue().toStringUtf8(), pair.getModRevision());
  }

  @Override
  public void onReset(Stream from, ResetFrame frame, Callback callback) {
    callback.succeeded();
    broke(new IllegalStateException(ErrorCode.toString(frame.getError(), "?")));
  }

  @Override
  public void onFailure(
      Stream from, int error, String reason, Throwable failure, Callback callback) {
    callback.succeeded();
    broke(failure);
  }

  @Override
  public void close() {
    ended.set(true);
    leave();
    Stream open = stream;
    if (open != null) {
      cancel(open);
    }
  }
}
