package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.model.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;

/** The datastore on a real etcd keeps the contract, and waits for nobody without a bound. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EtcdDatastoreIT extends DatastoreContract {
  private static final int BOUND_SECONDS = 10;

  private final Path state = Installed.freshState(getClass());

  private EtcdProcess etcd;
  private EtcdDatastore datastore;
  private String prefix = "";

  @BeforeAll
  void start() throws Exception {
    etcd = new EtcdProcess(Namespace.own(), state, "127.0.0.1");
    etcd.start();
    datastore = EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url())));
  }

  @AfterAll
  void stop() throws Exception {
    datastore.close();
    etcd.close();
  }

  @BeforeEach
  void ownPrefix(TestInfo test) {
    prefix = "/calico/contract/" + test.getDisplayName() + "/";
  }

  @Override
  Datastore datastore() {
    return datastore;
  }

  @Override
  String prefix() {
    return prefix;
  }

  @Override
  void compact(long revision) throws IOException {
    etcd.ctl("compact", Long.toString(revision));
  }

  @Test
  void anEtcdThatDoesNotAnswerIsReportedInTime() throws Exception {
    Transaction write = Transaction.builder().put(prefix + "a", "1").build();
    datastore.commit(write);
    etcd.pause();
    long start = System.nanoTime();
    try {
      assertThatThrownBy(() -> datastore.get(prefix + "a"))
          .isInstanceOfSatisfying(
              UnavailableException.class, e -> assertThat(e.safeToRedo()).isTrue())
          .hasMessageContaining(etcd.url());
      assertThatThrownBy(() -> datastore.commit(write))
          .isInstanceOfSatisfying(
              UnavailableException.class, e -> assertThat(e.safeToRedo()).isFalse())
          .hasMessageContaining(prefix + "a");
    } finally {
      etcd.resume();
    }
    assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start))
        .isLessThanOrEqualTo(2 * BOUND_SECONDS);
    assertThat(datastore.get(prefix + "a")).isPresent();
  }

  @Test
  void aSecondEndpointAnswersWhenTheFirstDoesNot() throws Exception {
    try (EtcdDatastore other =
        EtcdDatastore.connect(EtcdConfig.of(List.of("http://127.0.0.1:1", etcd.url())))) {
      assertThat(other.get(prefix + "nothing")).isEmpty();
    }
  }

  @Test
  void aSyncerEndsUpWithTheTruthAfterRestartsAndCompactions() throws Exception {
    Map<String, String> seen = new ConcurrentSkipListMap<>();
    KeyspaceSyncer syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(prefix),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {
                if (entry == null) {
                  seen.remove(key);
                } else {
                  seen.put(key, entry.value());
                }
              }

              @Override
              public void onInSync() {}
            });
    try (syncer) {
      put("stays", "1");
      put("goes", "1");
      syncer.start();
      Await.until("the snapshot is there", 10, () -> seen.size() == 2);
      for (int round = 0; round < 3; round++) {
        etcd.kill();
        etcd.start();
        etcd.ctl("del", prefix + "goes");
        etcd.ctl("put", prefix + "round", Integer.toString(round));
        compact(datastore.list(prefix).revision());
        etcd.ctl("put", prefix + "goes", "round " + round);
        Map<String, String> truth =
            new TreeMap<>(
                Map.of(
                    prefix + "stays",
                    "1",
                    prefix + "goes",
                    "round " + round,
                    prefix + "round",
                    Integer.toString(round)));
        Await.until("round " + round + " is seen", 30, () -> seen.equals(truth));
      }
    }
  }

  private void put(String name, String value) throws DatastoreException {
    datastore.commit(Transaction.builder().put(prefix + name, value).build());
  }

  @Test
  void anEtcdThatComesBackAfterALongTimeIsUsedAtOnce() throws Exception {
    datastore.commit(Transaction.builder().put(prefix + "long", "1").build());
    etcd.kill();
    // Long enough for gRPC's own pauses between attempts to exceed what is waited for below.
    for (int request = 0; request < 4; request++) {
      assertThatThrownBy(() -> datastore.get(prefix + "long"))
          .isInstanceOf(UnavailableException.class);
    }
    etcd.start();
    long start = System.nanoTime();
    while (true) {
      try {
        assertThat(datastore.get(prefix + "long")).isPresent();
        break;
      } catch (UnavailableException e) {
        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
      }
    }
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.MILLISECONDS.toNanos(3500));
  }

  @Test
  void aWriteThatWasGivenUpIsNotDoneWhenEtcdComesBack() throws Exception {
    long revision = datastore.commit(Transaction.builder().put(prefix + "before", "1").build());
    etcd.kill();
    try {
      // The connection is known to be broken then: the write waits for another one.
      assertThatThrownBy(() -> datastore.get(prefix + "before"))
          .isInstanceOf(UnavailableException.class);
      assertThatThrownBy(
              () -> datastore.commit(Transaction.builder().put(prefix + "late", "1").build()))
          .isInstanceOf(UnavailableException.class)
          .hasMessageContaining("did not answer within");
    } finally {
      etcd.start();
    }
    Await.until(
        "it answers again",
        BOUND_SECONDS,
        () -> {
          try {
            return datastore.get(prefix + "before").isPresent();
          } catch (io.calico4j.core.datastore.DatastoreException e) {
            return false;
          }
        });
    // Requests that waited for the connection were sent before these: had the write been among
    // them, a revision would be missing.
    for (int i = 0; i < 5; i++) {
      revision++;
      assertThat(datastore.commit(Transaction.builder().put(prefix + "after", "" + i).build()))
          .isEqualTo(revision);
    }
    assertThat(datastore.get(prefix + "late")).isEmpty();
  }
}
