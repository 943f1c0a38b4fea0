package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Several processes assign and release on one etcd while they are killed and etcd is paused,
 * restarted and compacted. The environment variable {@code CALICO_SEED} chooses another course of
 * events.
 */
class IpamHistoryIT {
  private static final long SEED = Long.parseLong(System.getenv().getOrDefault("CALICO_SEED", "1"));
  private static final int SECONDS = 30;
  private static final int MOST_SECONDS = 600;

  /** How many addresses must have been assigned for the history to say something. */
  private static final int ASSIGNMENTS = 200;

  private static final int WORKERS = 4;
  private static final int PAUSE_MILLIS = 400;
  private static final String KEYS = "/calico/ipam/v2/";

  private final Path state = Installed.freshState(getClass());
  private final Random random = new Random(SEED);
  private final List<Path> logs = new ArrayList<>();
  private final Process[] workers = new Process[WORKERS];
  private final Path[] current = new Path[WORKERS];

  @Test
  void nothingIsLostAndNothingIsGivenTwice() throws Exception {
    try (EtcdProcess etcd = EtcdProcess.local(state);
        Datastore datastore = EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url())))) {
      IpamCluster.create(datastore, 2, "10.66.0.0/25", 29);
      try {
        for (int i = 0; i < WORKERS; i++) {
          start(etcd, i);
        }
        long start = System.nanoTime();
        while (isGoingOn(start)) {
          TimeUnit.MILLISECONDS.sleep(300 + random.nextInt(1200));
          disturb(etcd);
        }
      } finally {
        for (Process worker : workers) {
          Await.killed(worker);
        }
      }
      IpamHistory history = history();
      Map<String, String> keys = keys(datastore);
      assertThat(history.problems(keys)).as("with CALICO_SEED=" + SEED).isEmpty();
      assertThat(history.assignments()).isGreaterThan(ASSIGNMENTS);
      assertThat(keys.keySet()).anyMatch(key -> key.contains("/handle/"));
      recover(datastore, keys);
      assertThat(keys(datastore).keySet()).as("after the dead are buried").isEmpty();
    }
  }

  /** Tells whether the workers go on: for {@link #SECONDS}, longer on a machine that is busy. */
  private boolean isGoingOn(long start) throws IOException {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
    return seconds < SECONDS || seconds < MOST_SECONDS && history().assignments() <= ASSIGNMENTS;
  }

  private IpamHistory history() throws IOException {
    IpamHistory history = new IpamHistory();
    for (Path log : logs) {
      Files.readAllLines(log).forEach(history::add);
    }
    return history;
  }

  /** Starts a worker; two of them share each node. */
  private void start(EtcdProcess etcd, int slot) throws IOException {
    String name = slot + "-" + logs.size();
    Path log = state.resolve("worker-" + name);
    logs.add(Files.createFile(log));
    workers[slot] =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                IpamWorker.class.getName(),
                etcd.url(),
                "host-" + slot % 2,
                name,
                Long.toString(random.nextLong()),
                log.toString())
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("worker-" + name + ".out").toFile())
            .start();
    current[slot] = log;
  }

  private void disturb(EtcdProcess etcd) throws Exception {
    switch (random.nextInt(6)) {
      case 0, 1, 2 -> {
        int slot = random.nextInt(WORKERS);
        Await.until("worker " + slot + " begins to work", 120, () -> Files.size(current[slot]) > 0);
        Await.killed(workers[slot]);
        start(etcd, slot);
      }
      case 3 -> {
        etcd.pause();
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS + random.nextInt(4 * PAUSE_MILLIS));
        etcd.resume();
      }
      case 4 -> {
        etcd.kill();
        etcd.start();
      }
      default -> {
        long revision =
            JsonParser.parseString(etcd.ctl("get", "none", "--write-out=json"))
                .getAsJsonObject()
                .getAsJsonObject("header")
                .get("revision")
                .getAsLong();
        etcd.ctl("compact", Long.toString(revision));
      }
    }
  }

  private static Map<String, String> keys(Datastore datastore) throws Exception {
    Map<String, String> keys = new TreeMap<>();
    for (Entry entry : datastore.list(KEYS).entries()) {
      keys.put(entry.key(), entry.value());
    }
    return keys;
  }

  /** What a crash leaves is found by its handle. */
  private static void recover(Datastore datastore, Map<String, String> keys) throws Exception {
    for (String node : List.of("host-0", "host-1")) {
      Ipam ipam = new Ipam(datastore, new NodeName(node));
      for (String key : keys.keySet()) {
        if (key.contains("/handle/")) {
          var unused = ipam.release(new HandleId(key.substring(key.lastIndexOf('/') + 1)));
        }
      }
    }
    for (String node : List.of("host-0", "host-1")) {
      var unused = new Ipam(datastore, new NodeName(node)).releaseEmptyBlocks(0);
    }
  }
}
