package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.node.http.Page;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows of each component of the agent what is wrong with it, if anything, and shows that as a
 * page: 200 when nothing is, else 503, with a line for each component. Once the agent has started,
 * the begin of a trouble is logged in one line and its end in another.
 */
final class Readiness implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Readiness.class);
  private static final int LOOK_SECONDS = 1;

  private final Map<String, Supplier<Optional<String>>> components = new ConcurrentHashMap<>();
  private static final int SHOWN = 20;

  private final Map<String, String> troubles = new TreeMap<>();
  private volatile Supplier<Map<String, String>> damaged = Map::of;
  private final ScheduledExecutorService timer = Daemons.timer("readiness");

  /**
   * Adds a component.
   *
   * @param problem says in words what is wrong now; must answer at once
   */
  void add(String component, Supplier<Optional<String>> problem) {
    components.put(component, problem);
  }

  /**
   * Lets the page name damaged resources. They do not make the node unready: what they describe is
   * closed or left out, and that is in force.
   *
   * @param resources key to reason; must answer at once
   */
  void showDamaged(Supplier<Map<String, String>> resources) {
    damaged = resources;
  }

  /** Begins to log troubles: to be called when the agent has started. */
  void begin() {
    var unused =
        timer.scheduleWithFixedDelay(this::update, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /** Logs the trouble of a component that is wanted before the agent has started. */
  void tellAtOnce(String component) {
    Supplier<Optional<String>> problem = components.get(component);
    if (problem != null) {
      problem.get().ifPresent(text -> begin(component, text));
    }
  }

  private void begin(String component, String text) {
    if (troubles.putIfAbsent(component, text) == null) {
      log.error("{} is in trouble, the node is not ready: {}", component, text);
    }
  }

  private Map<String, String> problems() {
    Map<String, String> found = new TreeMap<>();
    components.forEach(
        (component, problem) -> problem.get().ifPresent(text -> found.put(component, text)));
    return found;
  }

  /** Compares with what was known, and logs what has changed. */
  void update() {
    Map<String, String> found = problems();
    found.forEach(this::begin);
    troubles.forEach(
        (component, text) -> {
          if (!found.containsKey(component)) {
            log.info("{} is well again; its trouble was: {}", component, text);
          }
        });
    troubles.clear();
    troubles.putAll(found);
  }

  /** Makes the page. */
  Page page() {
    Map<String, String> found = problems();
    StringBuilder table = new StringBuilder();
    for (String component : new TreeMap<>(components).keySet()) {
      String problem = found.get(component);
      table.append(component).append(problem == null ? ": ready" : ": not ready: " + problem);
      table.append('\n');
    }
    Map<String, String> broken = damaged.get();
    broken.values().stream().limit(SHOWN).forEach(r -> table.append("Damaged: " + r + "\n"));
    if (broken.size() > SHOWN) {
      table.append("Damaged: and " + (broken.size() - SHOWN) + " more\n");
    }
    return Page.plain(found.isEmpty() ? 200 : 503, table.toString());
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
