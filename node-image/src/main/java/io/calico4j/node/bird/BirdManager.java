package io.calico4j.node.bird;

import io.calico4j.core.bird.BirdControl;
import io.calico4j.core.bird.BirdSession;
import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpFamily;
import io.calico4j.node.child.ChildLog;
import io.calico4j.node.child.RestartPause;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps bird's configuration equal to the datastore: renders it, checks it with {@code bird -p},
 * renames it into place and tells bird. A bird that an earlier agent left running is adopted; none
 * is started beside it. When the agent stops bird goes on, and with it the routes.
 */
public final class BirdManager implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BirdManager.class);

  private static final int WATCH_SECONDS = 1;

  /** A bird that has run for so long is one that can run. */
  private static final long STEADY_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final BirdSettings settings;
  private final ChildLog printed;
  private final RestartPause starts = new RestartPause(1000, 30_000);
  private final BirdFile configuration;
  private final BirdControl control;
  private final Passwords passwords;
  private final Supplier<List<Resource<WorkloadEndpointSpec>>> workloads;
  private final KeyspaceSyncer syncer;
  private final TreeMap<String, Entry> entries = new TreeMap<>();
  private final ScheduledExecutorService watchdog = Daemons.timer("bird-watchdog");
  private String loaded = "";
  private boolean inSync;

  /** What the configuration depends on and what is not watched. */
  private RecordedPasswords used;

  private List<Resource<WorkloadEndpointSpec>> usedWorkloads = List.of();

  private Set<String> notes = Set.of();
  private volatile boolean configured;
  private volatile String problem = "it has no configuration yet";

  /**
   * Makes a manager; nothing happens before {@link #start}.
   *
   * @param workloads the endpoints of this node, with the labels that they inherit
   */
  public BirdManager(
      Datastore datastore,
      BirdSettings settings,
      Supplier<List<Resource<WorkloadEndpointSpec>>> workloads) {
    this.settings = settings;
    this.workloads = workloads;
    NodeName node = settings.node();
    printed = new ChildLog(settings.runDirectory().resolve("bird.log"));
    configuration = new BirdFile(settings.runDirectory().resolve("bird.cfg"));
    control = new BirdControl(settings.runDirectory().resolve("bird.ctl"));
    passwords = new PasswordFiles(settings.secrets());
    used = new RecordedPasswords(passwords);
    syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(
                ResourceKind.NODE.prefix(),
                ResourceKind.IP_POOL.prefix(),
                ResourceKind.BGP_PEER.prefix(),
                ResourceKind.BGP_FILTER.prefix(),
                ResourceKind.BGP_CONFIGURATION.prefix(),
                IpamKeys.affinities(node, IpFamily.IPV4),
                IpamKeys.affinities(node, IpFamily.IPV6)),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onUpdate(String key, @Nullable Entry entry) {
                update(key, entry);
              }

              @Override
              public void onInSync() {
                resynced();
              }

              @Override
              public void onQuiet() {
                load();
              }
            });
  }

  /** Begins to watch the datastore, and bird itself: one that ends is started again. */
  public void start() {
    syncer.start();
    var unused =
        watchdog.scheduleWithFixedDelay(
            this::checkBird, WATCH_SECONDS, WATCH_SECONDS, TimeUnit.SECONDS);
  }

  private synchronized void update(String key, @Nullable Entry entry) {
    if (entry == null) {
      entries.remove(key);
    } else {
      entries.put(key, entry);
    }
  }

  private synchronized void resynced() {
    inSync = true;
    load();
  }

  private synchronized void checkBird() {
    if (configured && !control.isAlive()) {
      fail("bird does not answer any more");
    } else if (configured && starts.hasRunFor(STEADY_NANOS, System.nanoTime())) {
      problem = "";
    }
    if (!configured || used.haveChanged() || !usedWorkloads.equals(speakers())) {
      load();
    }
    try {
      printed.bound();
    } catch (IOException e) {
      log.debug("{} cannot be bounded: {}", printed, e.toString());
    }
  }

  /**
   * Says why bird does not run with the configuration that the datastore asks for; empty when it
   * does.
   */
  public Optional<String> problem() {
    String now = problem;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  /** Notes what is wrong; readiness logs it. */
  private void fail(String text) {
    configured = false;
    if (!text.equals(problem)) {
      problem = text;
      log.debug("{}", text);
    }
  }

  private synchronized void load() {
    if (!inSync) {
      return;
    }
    try {
      used = new RecordedPasswords(passwords);
      usedWorkloads = speakers();
      BgpViewBuilder builder =
          new BgpViewBuilder(settings.node(), entries, settings.routerId(), used, usedWorkloads);
      Optional<BgpView> view = builder.build();
      if (view.isEmpty()) {
        fail(
            "bird keeps its configuration: Node "
                + settings.node()
                + " is missing or has no BGP address");
        return;
      }
      say(builder.notes());
      String text = BirdConfigRenderer.render(view.get());
      if (text.equals(loaded) && configured) {
        return;
      }
      configuration.install(view.get(), text);
      if (!tellBird()) {
        return;
      }
      loaded = text;
      configured = true;
      problem = starts.isRepeated() ? problem : "";
    } catch (IllegalArgumentException | IOException e) {
      fail("bird keeps its configuration: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns the endpoints of this node, if a BGPPeer may select some of them. */
  private List<Resource<WorkloadEndpointSpec>> speakers() {
    String prefix = ResourceKind.BGP_PEER.prefix();
    boolean selected =
        entries.subMap(prefix, prefix + Character.MAX_VALUE).values().stream()
            .anyMatch(entry -> entry.value().contains("localWorkloadSelector"));
    return selected ? List.copyOf(workloads.get()) : List.of();
  }

  /** Logs what cannot be done as it is asked for, once for as long as it is so. */
  private void say(List<String> now) {
    now.stream().filter(note -> !notes.contains(note)).forEach(note -> log.warn("{}", note));
    notes = Set.copyOf(now);
  }

  /** Returns the sessions and their routes; empty when bird cannot be asked. */
  public List<BirdSession> sessions() {
    try {
      return control.sessions();
    } catch (IOException e) {
      log.debug("bird cannot be asked: {}", e.getMessage());
      return List.of();
    }
  }

  /** Returns whether bird has it; else it has to be told later, when it may be started again. */
  private boolean tellBird() throws IOException, InterruptedException {
    String answer;
    try {
      answer = control.configure();
    } catch (IOException e) {
      if (starts.left(System.nanoTime()) > 0) {
        return false;
      }
      starts.started(System.nanoTime());
      Process bird =
          new ProcessBuilder(settings.command())
              .redirectErrorStream(true)
              .redirectOutput(printed.redirect())
              .start();
      if (bird.waitFor(300, TimeUnit.MILLISECONDS)) {
        throw new IOException(
            "bird ended at once with status " + bird.exitValue() + ": see bird.log", e);
      }
      if (!starts.isRepeated()) {
        log.info("bird started pid={}", bird.pid());
      }
      return true;
    }
    // Codes from 8000 are errors; see BIRD's doc/reply_codes.
    if (answer.compareTo("8") >= 0) {
      throw new IOException("bird refuses to load its configuration: " + answer);
    }
    log.info("bird: {}", answer);
    return true;
  }

  @Override
  public void close() {
    watchdog.shutdownNow();
    syncer.close();
  }
}
