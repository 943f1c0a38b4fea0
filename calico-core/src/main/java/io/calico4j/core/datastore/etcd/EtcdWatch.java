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
import org.eclipse.jetty.http.MetaData;
import org.jspecify.annotations.Nullable;

/**
 * One watch, as a stream of its own (Watch in etcd's rpc.proto): one request there, then events
 * until it is closed or ends, with its connection at the latest.
 */
final class EtcdWatch extends GrpcStream implements Watch {
  private final WatchListener listener;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile @Nullable Connected connection;

  EtcdWatch(WatchListener listener) {
    this.listener = listener;
  }

  /** Asks for the events on a connection. */
  void begin(Connected on, MetaData.Request headers, WatchRequest request) {
    connection = on;
    on.onEnd(this, this::broke);
    open(on.session(), headers, request, false);
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
            "the watch broke: " + (cause == null ? "the connection ended" : cause), true, cause));
  }

  @Override
  void onMessage(ByteBuffer message) throws InvalidProtocolBufferException {
    WatchResponse response = WatchResponse.parseFrom(message);
    if (response.getCanceled()) {
      long compacted = response.getCompactRevision();
      end(
          compacted > 0
              ? new CompactedException(compacted, null)
              : new UnavailableException(
                  "etcd ended the watch: " + response.getCancelReason(), true, null));
      cancel();
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
  void onEnd(@Nullable CallFailure failure) {
    broke(failure);
  }

  @Override
  void onBroken(Throwable cause) {
    broke(cause);
  }

  @Override
  public void close() {
    ended.set(true);
    leave();
    cancel();
  }
}
