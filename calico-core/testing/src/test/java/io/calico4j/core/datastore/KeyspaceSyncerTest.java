package io.calico4j.core.datastore;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.PassingDatastore;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A listener hears of every difference once, however the watch ends. */
class KeyspaceSyncerTest {
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final KeyspaceSyncer.Listener listener =
      new KeyspaceSyncer.Listener() {
        @Override
        public void onUpdate(String key, @Nullable Entry entry) {
          heard.add(entry == null ? "-" + key : key + "=" + entry.value());
        }

        @Override
        public void onInSync() {
          heard.add("in sync");
        }
      };

  private final KeyspaceSyncer syncer =
      new KeyspaceSyncer(datastore, List.of("/a/", "/b/"), listener);

  @AfterEach
  void close() {
    syncer.close();
    datastore.close();
  }

  private void put(String key, String value) throws DatastoreException {
    datastore.commit(Transaction.builder().put(key, value).build());
  }

  private void delete(String key) throws DatastoreException {
    datastore.commit(Transaction.builder().delete(key).build());
  }

  private List<String> untilInSync() throws InterruptedException {
    List<String> all = new ArrayList<>();
    while (true) {
      String next = heard.poll(10, TimeUnit.SECONDS);
      assertThat(next).as("after " + all).isNotNull();
      if (next.equals("in sync")) {
        return all;
      }
      all.add(next);
    }
  }

  private List<String> differences(int count) throws InterruptedException {
    List<String> all = new ArrayList<>();
    while (all.size() < count) {
      String next = heard.poll(10, TimeUnit.SECONDS);
      assertThat(next).as("after " + all).isNotNull();
      if (!next.equals("in sync")) {
        all.add(next);
      }
    }
    return all;
  }

  @Test
  void aSnapshotOfEveryPrefixThenNews() throws Exception {
    put("/a/1", "x");
    put("/b/1", "y");
    put("/c/1", "not asked for");
    syncer.start();
    assertThat(untilInSync()).containsExactlyInAnyOrder("/a/1=x", "/b/1=y");
    put("/a/1", "z");
    delete("/b/1");
    assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("/a/1=z");
    assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("-/b/1");
  }

  @Test
  void afterABrokenWatchOnlyTheDifferenceIsHeard() throws Exception {
    put("/a/same", "1");
    put("/a/changed", "1");
    put("/a/gone", "1");
    syncer.start();
    assertThat(untilInSync()).hasSize(3);
    synchronized (datastore) {
      datastore.breakWatches();
      put("/a/changed", "2");
      delete("/a/gone");
      put("/b/new", "1");
    }
    assertThat(differences(3)).containsExactlyInAnyOrder("/a/changed=2", "-/a/gone", "/b/new=1");
    put("/a/same", "2");
    assertThat(differences(1)).containsExactly("/a/same=2");
  }

  @Test
  void whoAsksForUpdatesHearsThemOnItsOwnThread() throws Exception {
    Set<Thread> callers = ConcurrentHashMap.newKeySet();
    KeyspaceSyncer.Listener noting =
        new KeyspaceSyncer.Listener() {
          @Override
          public void onUpdate(String key, @Nullable Entry entry) {
            callers.add(Thread.currentThread());
            listener.onUpdate(key, entry);
          }

          @Override
          public void onInSync() {
            listener.onInSync();
          }
        };
    try (KeyspaceSyncer asked =
        new KeyspaceSyncer(datastore, List.of("/a/"), KeyspaceSyncer.Delivery.ON_DEMAND, noting)) {
      asked.start();
      assertThat(untilInSync()).isEmpty();
      for (int i = 0; i < 100; i++) {
        put("/a/1", "v" + i);
        String next = null;
        while (next == null) {
          asked.deliver();
          next = heard.poll();
        }
        assertThat(next).isEqualTo("/a/1=v" + i);
      }
      assertThat(callers).contains(Thread.currentThread());

      put("/a/1", "nobody asks");
      assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("/a/1=nobody asks");

      datastore.breakWatches();
      assertThat(untilInSync()).as("listed again though nobody asks").isEmpty();
    }
  }

  @Test
  void aStoreThatCannotBeListedIsAskedAgain() throws Exception {
    put("/a/1", "x");
    FlakyDatastore flaky = new FlakyDatastore(datastore);
    BlockingQueue<String> inSync = new LinkedBlockingQueue<>();
    try (KeyspaceSyncer patient =
        new KeyspaceSyncer(
            flaky,
            List.of("/a/"),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {}

              @Override
              public void onInSync() {
                inSync.add("in sync");
              }
            })) {
      patient.start();
      assertThat(inSync.poll(10, TimeUnit.SECONDS)).isNotNull();
      assertThat(flaky.refusals).isZero();
    }
  }

  /** The syncer's thread is woken for an update while it waits for the answer to a listing. */
  @Test
  void anUpdateDuringALaterListingIsHeardAtOnce() throws Exception {
    PassingDatastore slow =
        new PassingDatastore(datastore) {
          private @Nullable String first;

          @Override
          public Listing list(String prefix) throws DatastoreException {
            Listing listing = super.list(prefix);
            if (first == null) {
              first = prefix;
            } else {
              put(first + "1", "meanwhile");
              try {
                TimeUnit.MILLISECONDS.sleep(100);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              // Like any waiting for an answer this ends at once, as the thread has been woken.
              LockSupport.park(this);
            }
            return listing;
          }
        };
    try (KeyspaceSyncer during = new KeyspaceSyncer(slow, List.of("/a/", "/b/"), listener)) {
      during.start();
      assertThat(untilInSync()).isEmpty();
      assertThat(heard.poll(10, TimeUnit.SECONDS)).endsWith("1=meanwhile");
    }
  }

  /** Refuses to list twice. */
  private static final class FlakyDatastore extends PassingDatastore {
    private volatile int refusals = 2;

    FlakyDatastore(Datastore real) {
      super(real);
    }

    @Override
    public Listing list(String prefix) throws DatastoreException {
      int left = refusals;
      if (left > 0) {
        refusals = left - 1;
        throw new UnavailableException("no answer", true, null);
      }
      return super.list(prefix);
    }
  }
}
