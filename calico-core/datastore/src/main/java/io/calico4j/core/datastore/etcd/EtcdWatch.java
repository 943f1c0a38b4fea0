package io.calico4j.core.datastore.etcd;

import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.Datastore.Watch;
import io.calico4j.core.datastore.Datastore.WatchListener;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.model.Entry;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.WatchGrpc;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One watch, as a stream of its own (Watch in etcd's rpc.proto): one request there, then events
 * until it is closed or ends, with its channel at the latest.
 */
final class EtcdWatch implements Watch {
  private final WatchListener listener;
  private final BooleanSupplier closing;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile @Nullable ClientCall<WatchRequest, WatchResponse> call;

  /**
   * Makes a watch that has not begun.
   *
   * @param closing whether the datastore is being closed: the listener then hears nothing more
   */
  EtcdWatch(WatchListener listener, BooleanSupplier closing) {
    this.listener = listener;
    this.closing = closing;
  }

  /**
   * Asks a member for the events.
   *
   * @param broke told why the stream ended, before the listener is
   */
  void begin(Member on, Metadata headers, WatchRequest request, Consumer<CallFailure> broke) {
    ClientCall<WatchRequest, WatchResponse> begun =
        ClientInterceptors.intercept(
                on.channel(), MetadataUtils.newAttachHeadersInterceptor(headers))
            .newCall(WatchGrpc.getWatchMethod(), CallOptions.DEFAULT);
    call = begun;
    StreamObserver<WatchRequest> requests =
        ClientCalls.asyncBidiStreamingCall(begun, new Events(broke));
    // The stream stays open to etcd: its end would end the watch.
    requests.onNext(request);
    if (ended.get()) {
      begun.cancel("closed", null);
    }
  }

  /** Takes what etcd sends, on the datastore's thread. */
  private final class Events implements StreamObserver<WatchResponse> {
    private final Consumer<CallFailure> broke;

    Events(Consumer<CallFailure> broke) {
      this.broke = broke;
    }

    @Override
    public void onNext(WatchResponse response) {
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

    @Override
    public void onError(Throwable cause) {
      if (!ended.get() && !closing.getAsBoolean()) {
        CallFailure failure = CallFailure.of(cause, true);
        broke.accept(failure);
        end(new UnavailableException("the watch broke: " + failure.getMessage(), true, failure));
      }
    }

    @Override
    public void onCompleted() {
      end(new UnavailableException("etcd ended the watch", true, null));
    }
  }

  /** Ends it with an error, unless it has ended. */
  void end(DatastoreException cause) {
    if (ended.compareAndSet(false, true) && !closing.getAsBoolean()) {
      listener.onEnd(cause);
    }
  }

  private void cancel() {
    ClientCall<WatchRequest, WatchResponse> open = call;
    if (open != null) {
      open.cancel("closed", null);
    }
  }

  /** Returns a key with its value. */
  static Entry entry(KeyValue pair) {
    return new Entry(
        pair.getKey().toStringUtf8(), pair.getValue().toStringUtf8(), pair.getModRevision());
  }

  @Override
  public void close() {
    ended.set(true);
    cancel();
  }
}
