package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.model.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * A cluster of three members, the first of which is in use and fails: requests and watches go on
 * with another one. Each member has a namespace of its own.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EtcdClusterIT {
  private static final int SIZE = 3;
  private static final String KEY = "/calico/cluster/key";

  /** A request's bound, the patience with a member, and a connection to the next. */
  private static final int CHANGE_SECONDS = 15;

  /** After that long a watch's silent member has been noticed by a ping. */
  private static final int WATCH_SECONDS = 30;

  private final Path state = Installed.freshState(getClass());
  private final Namespace own = Namespace.own();
  private final List<Namespace> namespaces = new ArrayList<>();
  private final List<EtcdProcess> members = new ArrayList<>();

  @BeforeAll
  void start() throws Exception {
    own.ip("link", "add", "etcds", "type", "bridge");
    own.ip("address", "add", "10.99.0.254/24", "dev", "etcds");
    own.ip("link", "set", "etcds", "up");
    Map<String, String> peers = new TreeMap<>();
    for (int i = 1; i <= SIZE; i++) {
      peers.put("etcd-" + i, "http://10.99.0." + i + ":2380");
    }
    for (int i = 1; i <= SIZE; i++) {
      String name = "etcd-" + i;
      Namespace namespace = Namespace.create(name);
      namespaces.add(namespace);
      own.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
      own.ip("link", "set", name, "master", "etcds", "up");
      namespace.ip("address", "add", "10.99.0." + i + "/24", "dev", "eth0");
      namespace.ip("link", "set", "eth0", "up");
      members.add(
          EtcdProcess.member(
              namespace,
              Files.createDirectories(state.resolve(name)),
              name,
              "10.99.0." + i,
              peers));
    }
    for (EtcdProcess member : members) {
      member.begin();
    }
  }

  @BeforeEach
  void allAreThere() throws IOException {
    for (EtcdProcess member : members) {
      member.awaitAnswer();
    }
  }

  @AfterAll
  void stop() throws Exception {
    for (EtcdProcess member : members) {
      member.close();
    }
    for (Namespace namespace : namespaces) {
      namespace.delete();
    }
    own.ip("link", "del", "etcds");
  }

  private EtcdDatastore connect() {
    return EtcdDatastore.connect(EtcdConfig.of(members.stream().map(EtcdProcess::url).toList()));
  }

  private static void put(EtcdDatastore datastore, String value) throws DatastoreException {
    datastore.commit(Transaction.builder().put(KEY, value).build());
  }

  /** Fails at most as long as it takes to change to another member. */
  private static void putAtLast(EtcdDatastore datastore, String value) throws Exception {
    long start = System.nanoTime();
    while (true) {
      try {
        put(datastore, value);
        return;
      } catch (UnavailableException e) {
        assertThat(System.nanoTime() - start)
            .as("no other member was tried: %s", e.getMessage())
            .isLessThan(TimeUnit.SECONDS.toNanos(CHANGE_SECONDS));
      }
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  /** Breaks the member that a datastore with a watch uses, and watches both go on without it. */
  private void goesOnWithout(Action failure, Action recovery) throws Exception {
    Map<String, String> seen = new ConcurrentHashMap<>();
    KeyspaceSyncer.Listener listener =
        new KeyspaceSyncer.Listener() {
          @Override
          public void onUpdate(String key, @Nullable Entry entry) {
            seen.put(key, entry == null ? "" : entry.value());
          }

          @Override
          public void onInSync() {}
        };
    try (EtcdDatastore datastore = connect();
        EtcdDatastore watched = connect();
        KeyspaceSyncer syncer = new KeyspaceSyncer(watched, List.of(KEY), listener)) {
      put(datastore, "before");
      syncer.start();
      Await.until("the snapshot is there", 10, () -> "before".equals(seen.get(KEY)));
      failure.run();
      try {
        putAtLast(datastore, "meanwhile");
        Await.until(
            "the watch goes on with another member",
            WATCH_SECONDS,
            () -> "meanwhile".equals(seen.get(KEY)));
        put(datastore, "at once");
      } finally {
        recovery.run();
      }
      Await.until("the watch is alive", 10, () -> "at once".equals(seen.get(KEY)));
    }
  }

  @Test
  void withoutAMemberThatIsGone() throws Exception {
    goesOnWithout(() -> members.get(0).kill(), () -> members.get(0).begin());
  }

  @Test
  void withoutAMemberThatIsSilent() throws Exception {
    goesOnWithout(() -> members.get(0).pause(), () -> members.get(0).resume());
  }

  @Test
  void withoutAMemberThatIsCutOffFromTheOthers() throws Exception {
    Namespace first = namespaces.get(0);
    goesOnWithout(
        () -> {
          first.command("nft", "add table inet cut").mustRun();
          for (String direction : List.of("input", "output")) {
            first
                .command(
                    "nft",
                    "add chain inet cut "
                        + direction
                        + " { type filter hook "
                        + direction
                        + " priority 0; tcp dport 2380 drop; tcp sport 2380 drop; }")
                .mustRun();
          }
        },
        () -> first.command("nft", "delete table inet cut").mustRun());
  }
}
