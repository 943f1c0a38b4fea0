package io.calico4j.core.datastore.etcd;

import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.Watch.Watcher;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** The datastore on etcd v3. Every request waits for the configured time at most. */
public final class EtcdDatastore implements Datastore {
  /** A request has ended by itself before its caller gives up waiting. */
  private static final long GRACE_MILLIS = RequestDeadline.PRECISION.toMillis() + 500;

  private final Client client;
  private final RequestDeadline deadline;
  private final EtcdConfig config;

  private EtcdDatastore(Client client, RequestDeadline deadline, EtcdConfig config) {
    this.client = client;
    this.deadline = deadline;
    this.config = config;
  }

  /** Prepares a connection; it is made at the first request. */
  public static EtcdDatastore connect(EtcdConfig config) {
    PromptReconnect.register();
    ClientBuilder builder =
        Client.builder()
            .loadBalancerPolicy(PromptReconnect.NAME)
            .endpoints(config.endpoints().toArray(String[]::new))
            .connectTimeout(config.timeout())
            .keepaliveTime(java.time.Duration.ofSeconds(30))
            .keepaliveTimeout(java.time.Duration.ofSeconds(10))
            .retryMaxDuration(config.timeout())
            .executorService(new CallerRuns())
            .waitForReady(true);
    if (config.user() != null && config.password() != null) {
      builder.user(bytes(config.user())).password(bytes(config.password()));
    }
    Tls tls = config.tls();
    if (tls != null) {
      try {
        builder.sslContext(tls::apply);
      } catch (IOException e) {
        throw new UncheckedIOException("TLS for etcd cannot be set up", e);
      }
    }
    RequestDeadline deadline = new RequestDeadline(config.timeout());
    return new EtcdDatastore(builder.interceptor(deadline).build(), deadline, config);
  }

  @Override
  public Optional<Entry> get(String key) throws DatastoreException {
    GetResponse response = await(client.getKVClient().get(bytes(key)), () -> "get " + key, true);
    return response.getKvs().stream().findFirst().map(EtcdDatastore::entry);
  }

  @Override
  public Listing list(String prefix) throws DatastoreException {
    GetOption option =
        GetOption.builder()
            .isPrefix(true)
            .withSortField(GetOption.SortTarget.KEY)
            .withSortOrder(GetOption.SortOrder.ASCEND)
            .build();
    GetResponse response =
        await(client.getKVClient().get(bytes(prefix), option), () -> "list " + prefix, true);
    return new Listing(
        response.getKvs().stream().map(EtcdDatastore::entry).toList(),
        response.getHeader().getRevision());
  }

  @Override
  public long commit(Transaction transaction) throws DatastoreException {
    return commit(transaction, () -> {});
  }

  @Override
  public long commit(Transaction transaction, Runnable sent) throws DatastoreException {
    Map<String, ByteSequence> keys = new HashMap<>();
    List<Cmp> comparisons = new ArrayList<>();
    for (Transaction.Comparison comparison : transaction.comparisons()) {
      comparisons.add(
          new Cmp(
              keys.computeIfAbsent(comparison.key(), EtcdDatastore::bytes),
              Cmp.Op.EQUAL,
              CmpTarget.modRevision(comparison.revision())));
    }
    List<Op> writes = new ArrayList<>();
    for (Transaction.Write write : transaction.writes()) {
      ByteSequence key = keys.computeIfAbsent(write.key(), EtcdDatastore::bytes);
      String value = write.value();
      writes.add(
          value == null
              ? Op.delete(key, DeleteOption.DEFAULT)
              : Op.put(key, bytes(value), putOption(write)));
    }
    CompletableFuture<TxnResponse> answer =
        client
            .getKVClient()
            .txn()
            .If(comparisons.toArray(Cmp[]::new))
            .Then(writes.toArray(Op[]::new))
            .commit();
    sent.run();
    TxnResponse response =
        await(
            answer,
            () -> "write " + transaction.writes().stream().map(Transaction.Write::key).toList(),
            false);
    if (!response.isSucceeded()) {
      throw new ConflictException(
          "one of "
              + transaction.comparisons().stream().map(Transaction.Comparison::key).toList()
              + " was changed by somebody else",
          null);
    }
    return response.getHeader().getRevision();
  }

  private PutOption putOption(Transaction.Write write) throws DatastoreException {
    if (write.ttlSeconds() == 0) {
      return PutOption.DEFAULT;
    }
    long lease =
        await(client.getLeaseClient().grant(write.ttlSeconds()), () -> "grant a lease", true)
            .getID();
    return PutOption.builder().withLeaseId(lease).build();
  }

  @Override
  public Watch watch(String prefix, long fromRevision, WatchListener listener) {
    AtomicBoolean ended = new AtomicBoolean();
    WatchOption option = WatchOption.builder().isPrefix(true).withRevision(fromRevision).build();
    Watcher watcher =
        client
            .getWatchClient()
            .watch(
                bytes(prefix),
                option,
                io.etcd.jetcd.Watch.listener(
                    response -> response.getEvents().forEach(event -> deliver(event, listener)),
                    error -> end(ended, listener, error),
                    () -> end(ended, listener, new IOException("the stream was closed"))));
    return () -> {
      ended.set(true);
      watcher.close();
    };
  }

  private static void deliver(WatchEvent event, WatchListener listener) {
    KeyValue pair = event.getKeyValue();
    switch (event.getEventType()) {
      case PUT -> listener.onPut(entry(pair));
      case DELETE -> listener.onDelete(text(pair.getKey()), pair.getModRevision());
      case UNRECOGNIZED -> throw new IllegalStateException("etcd sent an unknown event");
    }
  }

  private static void end(AtomicBoolean ended, WatchListener listener, Throwable cause) {
    if (ended.compareAndSet(false, true)) {
      listener.onEnd(
          cause instanceof io.etcd.jetcd.common.exception.CompactedException compacted
              ? new CompactedException(compacted.getCompactedRevision(), cause)
              : new UnavailableException("the watch broke: " + cause.getMessage(), true, cause));
    }
  }

  private <T> T await(CompletableFuture<T> future, Supplier<String> what, boolean read)
      throws DatastoreException {
    try {
      return future.get(config.timeout().toMillis() + GRACE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      future.cancel(true);
      throw late(what.get(), read, e);
    } catch (ExecutionException e) {
      String reason = String.valueOf(e.getCause().getMessage());
      if (reason.contains("DEADLINE_EXCEEDED")) {
        throw late(what.get(), read, e.getCause());
      }
      throw new UnavailableException(
          "etcd at "
              + config
              + " failed to "
              + what.get()
              + ": "
              + reason
              + (reason.contains("UNAUTHENTICATED")
                  ? " (check ETCD_USERNAME and ETCD_PASSWORD)"
                  : ""),
          read,
          e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted: " + what.get(), read, e);
    }
  }

  private UnavailableException late(String what, boolean read, Throwable cause) {
    return new UnavailableException(
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

  private static ByteSequence bytes(String text) {
    return ByteSequence.from(text, StandardCharsets.UTF_8);
  }

  private static String text(ByteSequence bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static Entry entry(KeyValue pair) {
    return new Entry(text(pair.getKey()), text(pair.getValue()), pair.getModRevision());
  }

  @Override
  public void close() {
    client.close();
    deadline.close();
  }
}
