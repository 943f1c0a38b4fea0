package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.CompactedException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every datastore does alike, revisions and the order of events included. */
abstract class DatastoreContract {
  /** Returns the store under test. */
  abstract Datastore datastore();

  /** Returns a prefix that no other test uses. */
  abstract String prefix();

  /** Forgets history below a revision. */
  abstract void compact(long revision) throws Exception;

  /** What a watch delivered, as text. */
  private static final class Recorder implements Datastore.WatchListener, AutoCloseable {
    private final Datastore.Watch watch;
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<DatastoreException> ends = new LinkedBlockingQueue<>();

    Recorder(Datastore datastore, String prefix, long from) {
      watch = datastore.watch(prefix, from, this);
    }

    @Override
    public void close() {
      stop();
    }

    void stop() {
      watch.close();
    }

    @Override
    public void onPut(Entry entry) {
      events.add("put " + entry.key() + "=" + entry.value() + "@" + entry.revision());
    }

    @Override
    public void onDelete(String key, long revision) {
      events.add("delete " + key + "@" + revision);
    }

    @Override
    public void onEnd(DatastoreException cause) {
      ends.add(cause);
    }

    List<String> next(int count) throws InterruptedException {
      List<String> got = new java.util.ArrayList<>();
      while (got.size() < count) {
        String event = events.poll(10, TimeUnit.SECONDS);
        assertThat(event).as("after " + got).isNotNull();
        got.add(event);
      }
      return got;
    }
  }

  private String key(String name) {
    return prefix() + name;
  }

  private long put(String name, String value) throws DatastoreException {
    return datastore().commit(Transaction.builder().put(key(name), value).build());
  }

  private long delete(String name) throws DatastoreException {
    return datastore().commit(Transaction.builder().delete(key(name)).build());
  }

  /** Longer than a page of the etcd datastore, and than two. */
  @Test
  void aLongListIsWholeAndInOrder() throws Exception {
    int count = 2345;
    long revision = 0;
    for (int first = 0; first < count; first += 100) {
      Transaction.Builder batch = Transaction.builder();
      for (int i = first; i < Math.min(count, first + 100); i++) {
        batch.put(prefix() + String.format(java.util.Locale.ROOT, "key-%05d", i), "" + i);
      }
      revision = datastore().commit(batch.build());
    }
    Listing listing = datastore().list(prefix());
    assertThat(listing.revision()).isGreaterThanOrEqualTo(revision);
    assertThat(listing.entries()).hasSize(count);
    for (int i = 0; i < count; i++) {
      assertThat(listing.entries().get(i).value()).isEqualTo("" + i);
    }
  }

  @Test
  void aKeyIsReadAsItWasWrittenWithTheRevisionOfItsTransaction() throws Exception {
    assertThat(datastore().get(key("a"))).isEmpty();
    long revision = put("a", "{\"umlaut\":\"ü\"}");
    assertThat(datastore().get(key("a")))
        .contains(new Entry(key("a"), "{\"umlaut\":\"ü\"}", revision));
    assertThat(put("a", "2")).isEqualTo(revision + 1);
  }

  @Test
  void whatIsLongComesBackWholeAndInOneListing() throws Exception {
    String value = "ü".repeat(300_000);
    for (int i = 0; i < 10; i++) {
      long unused = put("long/" + i, value + i);
    }
    List<Entry> entries = datastore().list(key("long/")).entries();
    assertThat(entries).hasSize(10);
    for (int i = 0; i < 10; i++) {
      assertThat(entries.get(i).value().equals(value + i)).as("value " + i).isTrue();
    }
    try (Recorder recorder = new Recorder(datastore(), key("long/"), entries.get(0).revision())) {
      assertThat(recorder.next(10).get(9)).contains(key("long/9"));
    }
  }

  @Test
  void aTransactionHappensWhollyOrNotAtAll() throws Exception {
    long first = put("a", "1");
    assertThatThrownBy(
            () ->
                datastore()
                    .commit(Transaction.builder().create(key("a"), "x").put(key("b"), "x").build()))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining(key("a"));
    assertThat(datastore().get(key("b"))).isEmpty();

    long second =
        datastore()
            .commit(
                Transaction.builder()
                    .update(key("a"), "2", first)
                    .create(key("b"), "2")
                    .require(key("c"), 0)
                    .build());
    assertThat(datastore().list(prefix()).entries())
        .containsExactly(new Entry(key("a"), "2", second), new Entry(key("b"), "2", second));
    assertThatThrownBy(
            () -> datastore().commit(Transaction.builder().delete(key("a"), first).build()))
        .isInstanceOf(ConflictException.class);
    assertThat(datastore().get(key("a"))).isPresent();
  }

  @Test
  void deletingWhatIsNotThereChangesNothing() throws Exception {
    long revision = put("a", "1");
    assertThat(delete("nothing")).isEqualTo(revision);
    assertThat(delete("a")).isEqualTo(revision + 1);
    assertThat(datastore().get(key("a"))).isEmpty();
  }

  @Test
  void aListingIsAscendingAndEndsWhereThePrefixEnds() throws Exception {
    for (String name : List.of("x/b", "x/a", "x-", "x0", "x/a/1", "w")) {
      put(name, name);
    }
    Listing listing = datastore().list(key("x/"));
    assertThat(listing.entries())
        .extracting(Entry::key)
        .containsExactly(key("x/a"), key("x/a/1"), key("x/b"));
    assertThat(listing.revision()).isEqualTo(put("later", "1") - 1);
  }

  @Test
  void aWatchDeliversHistoryThenNewsInOrderAndNothingElse() throws Exception {
    long from = put("w/a", "1");
    put("other", "1");
    long both =
        datastore().commit(Transaction.builder().put(key("w/a"), "2").put(key("w/b"), "2").build());
    try (Recorder recorder = new Recorder(datastore(), key("w/"), from)) {
      long gone = delete("w/a");
      delete("w/a");
      put("v", "1");
      long last = put("w/c", "3");
      assertThat(recorder.next(5))
          .containsExactly(
              "put " + key("w/a") + "=1@" + from,
              "put " + key("w/a") + "=2@" + both,
              "put " + key("w/b") + "=2@" + both,
              "delete " + key("w/a") + "@" + gone,
              "put " + key("w/c") + "=3@" + last);
      recorder.stop();
      put("w/d", "after the end");
      TimeUnit.MILLISECONDS.sleep(200);
      assertThat(recorder.events).isEmpty();
      assertThat(recorder.ends).isEmpty();
    }
  }

  @Test
  void aLongHistoryKeepsItsOrder() throws Exception {
    long from = put("n", "0");
    try (Recorder recorder = new Recorder(datastore(), key("n"), from)) {
      for (int i = 1; i < 300; i++) {
        put("n", Integer.toString(i));
      }
      assertThat(recorder.next(300))
          .isEqualTo(
              IntStream.range(0, 300)
                  .mapToObj(i -> "put " + key("n") + "=" + i + "@" + (from + i))
                  .toList());
    }
  }

  @Test
  void aWatchOfForgottenHistoryEndsAndSaysSo() throws Exception {
    long old = put("c", "1");
    long current = put("c", "2");
    compact(current);
    try (Recorder recorder = new Recorder(datastore(), key("c"), old)) {
      assertThat(recorder.ends.poll(10, TimeUnit.SECONDS)).isInstanceOf(CompactedException.class);
    }
    try (Recorder recent = new Recorder(datastore(), key("c"), current)) {
      assertThat(recent.next(1)).containsExactly("put " + key("c") + "=2@" + current);
    }
  }

  @Test
  void aKeyWithALeaseVanishesUnlessItIsPutAgain() throws Exception {
    long revision =
        datastore()
            .commit(
                Transaction.builder()
                    .put(key("l/kept"), "1", 1)
                    .put(key("l/lost"), "1", 1)
                    .build());
    put("l/kept", "2");
    try (Recorder recorder = new Recorder(datastore(), key("l/lost"), revision + 1)) {
      assertThat(recorder.next(1).get(0)).startsWith("delete " + key("l/lost"));
    }
    assertThat(datastore().list(key("l/")).entries()).extracting(Entry::value).containsExactly("2");
  }
}
