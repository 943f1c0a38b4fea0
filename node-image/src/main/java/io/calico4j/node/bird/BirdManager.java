package io.calico4j.node.bird;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpFamily;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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

  private final NodeName node;
  private final Path configuration;
  private final BirdControl control;
  private final List<String> command;
  private final KeyspaceSyncer syncer;
  private final TreeMap<String, Entry> entries = new TreeMap<>();
  private final ScheduledExecutorService watchdog = Daemons.timer("bird-watchdog");
  private String loaded = "";
  private boolean inSync;
  private volatile boolean configured;
  private volatile String problem = "it has no configuration yet";

  /**
   * Makes a manager; nothing happens before {@link #start}.
   *
   * @param command how bird is started, when none is running
   */
  public BirdManager(Datastore datastore, NodeName node, Path runDirectory, List<String> command) {
    this.node = node;
    this.command = List.copyOf(command);
    configuration = runDirectory.resolve("bird.cfg");
    control = new BirdControl(runDirectory.resolve("bird.ctl"));
    syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(
                ResourceKind.NODE.prefix(),
                ResourceKind.IP_POOL.prefix(),
                ResourceKind.BGP_PEER.prefix(),
                ResourceKind.BGP_CONFIGURATION.prefix(),
                IpamKeys.affinities(node, IpFamily.IPV4)),
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
    }
    if (!configured) {
      load();
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
      Optional<BgpView> view = new BgpViewBuilder(node, entries).build();
      if (view.isEmpty()) {
        fail("bird keeps its configuration: Node " + node + " is missing or has no BGP address");
        return;
      }
      String text = BirdConfigRenderer.render(view.get());
      if (text.equals(loaded) && configured) {
        return;
      }
      install(text);
      tellBird();
      loaded = text;
      configured = true;
      problem = "";
    } catch (IllegalArgumentException | IOException e) {
      fail("bird keeps its configuration: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void install(String text) throws IOException, InterruptedException {
    Path next = configuration.resolveSibling("bird.cfg.next");
    Files.write(next, text.getBytes(StandardCharsets.UTF_8));
    Process check =
        new ProcessBuilder("bird", "-p", "-c", next.toString()).redirectErrorStream(true).start();
    String output = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (check.waitFor() != 0) {
      throw new IOException("bird refuses the new configuration: " + output.strip());
    }
    Files.move(
        next, configuration, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void tellBird() throws IOException, InterruptedException {
    String answer;
    try {
      answer = control.configure();
    } catch (IOException e) {
      Process bird =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(
                      configuration.resolveSibling("bird.log").toFile()))
              .start();
      if (bird.waitFor(300, TimeUnit.MILLISECONDS)) {
        throw new IOException(
            "bird ended at once with status " + bird.exitValue() + ": see bird.log", e);
      }
      log.info("bird started pid={}", bird.pid());
      return;
    }
    // Codes from 8000 are errors; see BIRD's doc/reply_codes.
    if (answer.compareTo("8") >= 0) {
      throw new IOException("bird refuses to load its configuration: " + answer);
    }
    log.info("bird: {}", answer);
  }

  @Override
  public void close() {
    watchdog.shutdownNow();
    syncer.close();
  }
}
