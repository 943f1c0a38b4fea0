package io.calico4j.core.datastore.etcd;

import com.google.protobuf.ByteString;
import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.UnreachableException;
import io.calico4j.core.model.Entry;
import io.etcd.jetcd.api.Compare;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.LeaseGrantRequest;
import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeResponse;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import io.etcd.jetcd.api.TxnResponse;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The datastore on etcd v3. Every request waits for the configured time at most. A watch ends with
 * the connection.
 */
public final class EtcdDatastore implements Datastore {
  /** Keys in one answer. */
  private static final int PAGE = 1000;

  private static final Retry AGAIN = Retry.refused(5, List.of(CompactedException.class));
  private static final ByteString NUL = ByteString.copyFrom(new byte[1]);

  /** What etcd says when a revision is gone (rpctypes/error.go). */
  private static final String COMPACTED = "required revision has been compacted";

  private final EtcdConfig config;
  private final EtcdCalls calls;

  private EtcdDatastore(EtcdConfig config, boolean patient) {
    this.config = config;
    this.calls = new EtcdCalls(config, patient);
  }

  /**
   * Prepares a connection; it is made at the first request, which waits for etcd for the configured
   * time.
   */
  public static EtcdDatastore connect(EtcdConfig config) {
    return new EtcdDatastore(config, true);
  }

  /**
   * Prepares a connection for an operator who waits: when no member can be reached, the first
   * request says at once why. An answer may still take the configured time.
   */
  public static EtcdDatastore connectAtOnce(EtcdConfig config) {
    return new EtcdDatastore(config, false);
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    RangeRequest request = RangeRequest.newBuilder().setKey(bytes(key)).build();
    RangeResponse response = call(KVGrpc.getRangeMethod(), request, true, () -> "get " + key);
    return response.getKvsList().stream().findFirst().map(EtcdWatch::entry);
  }

  /**
   * Reads in pages, all as of the revision of the first one, each a request with a time of its own:
   * a long list need not fit into one answer. A revision that is compacted meanwhile begins anew.
   */
  @Override
  public Listing list(String prefix) throws DatastoreException {
    return AGAIN.run(DatastoreException.class, () -> listPages(prefix));
  }

  private Listing listPages(String prefix) throws DatastoreException {
    List<Entry> entries = new ArrayList<>();
    ByteString from = bytes(prefix);
    long revision = 0;
    while (true) {
      RangeRequest request =
          RangeRequest.newBuilder()
              .setKey(from)
              .setRangeEnd(endOf(prefix))
              .setSortTarget(RangeRequest.SortTarget.KEY)
              .setSortOrder(RangeRequest.SortOrder.ASCEND)
              .setLimit(PAGE)
              .setRevision(revision)
              .build();
      RangeResponse page = call(KVGrpc.getRangeMethod(), request, true, () -> "list " + prefix);
      page.getKvsList().forEach(pair -> entries.add(EtcdWatch.entry(pair)));
      if (revision == 0) {
        revision = page.getHeader().getRevision();
      }
      if (!page.getMore() || page.getKvsCount() == 0) {
        return new Listing(entries, revision);
      }
      // The next key after the last one.
      from = page.getKvs(page.getKvsCount() - 1).getKey().concat(NUL);
    }
  }

  @Override
  public long commit(Transaction transaction) throws DatastoreException {
    TxnRequest.Builder request = TxnRequest.newBuilder();
    for (Transaction.Comparison comparison : transaction.comparisons()) {
      request.addCompare(
          Compare.newBuilder()
              .setKey(bytes(comparison.key()))
              .setTarget(Compare.CompareTarget.MOD)
              .setResult(Compare.CompareResult.EQUAL)
              .setModRevision(comparison.revision()));
    }
    for (Transaction.Write write : transaction.writes()) {
      request.addSuccess(operation(write));
    }
    TxnResponse response =
        call(
            KVGrpc.getTxnMethod(),
            request.build(),
            false,
            () -> "write " + transaction.writes().stream().map(Transaction.Write::key).toList());
    if (!response.getSucceeded()) {
      throw new ConflictException(
          "one of "
              + transaction.comparisons().stream().map(Transaction.Comparison::key).toList()
              + " has changed since it was read",
          null);
    }
    return response.getHeader().getRevision();
  }

  private RequestOp operation(Transaction.Write write) throws DatastoreException {
    ByteString key = bytes(write.key());
    String value = write.value();
    if (value == null) {
      return RequestOp.newBuilder()
          .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(key))
          .build();
    }
    PutRequest.Builder put = PutRequest.newBuilder().setKey(key).setValue(bytes(value));
    if (write.ttlSeconds() != 0) {
      put.setLease(lease(write.ttlSeconds()));
    }
    return RequestOp.newBuilder().setRequestPut(put).build();
  }

  private long lease(long ttlSeconds) throws DatastoreException {
    LeaseGrantRequest request = LeaseGrantRequest.newBuilder().setTTL(ttlSeconds).build();
    return call(LeaseGrpc.getLeaseGrantMethod(), request, false, () -> "grant a lease").getID();
  }

  @Override
  public Watch watch(String prefix, long fromRevision, WatchListener listener) {
    WatchRequest request =
        WatchRequest.newBuilder()
            .setCreateRequest(
                WatchCreateRequest.newBuilder()
                    .setKey(bytes(prefix))
                    .setRangeEnd(endOf(prefix))
                    .setStartRevision(fromRevision))
            .build();
    return calls.watch(request, listener);
  }

  /** Returns the first key after all that begin so. */
  private static ByteString endOf(String prefix) {
    byte[] end = prefix.getBytes(StandardCharsets.UTF_8);
    // UTF-8 has no byte 0xff, so that the last one can always be raised.
    end[end.length - 1]++;
    return ByteString.copyFrom(end);
  }

  private <Q, A> A call(
      MethodDescriptor<Q, A> method, Q request, boolean read, Supplier<String> what)
      throws DatastoreException {
    try {
      return calls.call(method, request, read);
    } catch (CallFailure e) {
      if (read && String.valueOf(e.getMessage()).contains(COMPACTED)) {
        throw new CompactedException(0, e);
      }
      boolean nothingDone = read || e.isNothingDone();
      if (calls.isGivenUp()) {
        throw new UnreachableException(
            "etcd cannot be reached: " + calls.failures(), nothingDone, e);
      }
      if (e.kind() == CallFailure.Kind.NOT_SENT || e.kind() == CallFailure.Kind.LATE) {
        throw late(what.get(), nothingDone, e);
      }
      String message =
          "etcd at " + config + " failed to " + what.get() + ": " + e.getMessage() + remedy(e);
      throw e.kind() == CallFailure.Kind.REFUSED
          ? new UnavailableException(message, nothingDone, e)
          : new UnreachableException(message, nothingDone, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted: " + what.get(), read, e);
    }
  }

  private String remedy(CallFailure failure) {
    if (failure.status() == Status.Code.UNAUTHENTICATED) {
      return " (check ETCD_USERNAME and ETCD_PASSWORD)";
    }
    // A server that does not like a certificate says so after the handshake (TLS 1.3).
    return failure.kind() == CallFailure.Kind.LOST && config.tls() != null
        ? " (if it stays so, check the certificates)"
        : "";
  }

  private UnreachableException late(String what, boolean read, Throwable cause) {
    return new UnreachableException(
        "etcd at "
            + config
            + " did not answer within "
            + config.timeout().toMillis()
            + " ms"
            + (config.tls() == null ? ": " : " (if it runs, check the certificates): ")
            + what,
        read,
        cause);
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  @Override
  public void close() {
    calls.close();
  }
}
