package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks every {@value #LOOK_SECONDS} s whether the datastore answers and this agent's Node is
 * there. A Node that is deleted while its agent runs is written again as it was last seen, with its
 * labels and BGP settings: routes and policy of a host that carries workloads depend on it. To take
 * a host out of the cluster its agent is stopped before its Node is deleted.
 */
final class NodeRegistration implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NodeRegistration.class);
  private static final int LOOK_SECONDS = 5;

  /** How long the datastore may be away before the host is not ready. */
  private static final Duration AWAY = Duration.ofMinutes(1);

  private final ResourceClient resources;
  private final NodeName node;
  private final LongSupplier clock;
  private final ScheduledExecutorService timer = Daemons.timer("node-registration");
  private volatile long answered;
  private volatile String silence = "";
  private volatile String trouble = "";
  private @Nullable Resource<NodeSpec> known;

  NodeRegistration(ResourceClient resources, NodeName node) {
    this(resources, node, System::nanoTime);
  }

  /**
   * As the other constructor.
   *
   * @param clock returns nanoseconds that never go back
   */
  NodeRegistration(ResourceClient resources, NodeName node, LongSupplier clock) {
    this.resources = resources;
    this.node = node;
    this.clock = clock;
    answered = clock.getAsLong();
  }

  void start() {
    var unused = timer.scheduleWithFixedDelay(this::check, 0, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /** Looks once. */
  void check() {
    try {
      Optional<Resource<NodeSpec>> stored = resources.get(ResourceKind.NODE, "", node.text());
      if (stored.isPresent()) {
        known = stored.get();
      } else if (known != null) {
        writeAgain(known);
      } else {
        trouble = "Node " + node + " was deleted: restart calico-node, which writes it";
        answers();
        return;
      }
      trouble = "";
      answers();
    } catch (InvalidResourceException e) {
      answers();
      trouble = "Node " + node + " cannot be read: " + e.getMessage();
    } catch (DatastoreException e) {
      silence = String.valueOf(e.getMessage());
    }
  }

  private void answers() {
    answered = clock.getAsLong();
    silence = "";
  }

  private void writeAgain(Resource<NodeSpec> last) throws DatastoreException {
    trouble = "Node " + node + " was deleted";
    Metadata metadata =
        Metadata.named(null, node.text())
            .withLabels(last.metadata().labels())
            .withAnnotations(last.metadata().annotations());
    try {
      known = resources.create(Resource.create(ResourceKind.NODE, metadata, last.spec()));
      log.warn(
          "Node {} was deleted while its agent runs: it is written again; stop calico-node before"
              + " you delete its Node",
          node);
    } catch (AlreadyExistsException e) {
      // It is back already.
    }
  }

  /** Says for how long the datastore has not answered, when that is longer than a minute. */
  Optional<String> datastoreProblem() {
    String why = silence;
    long away = clock.getAsLong() - answered;
    return why.isEmpty() || away < AWAY.toNanos()
        ? Optional.empty()
        : Optional.of(
            "it has not answered for "
                + TimeUnit.NANOSECONDS.toSeconds(away)
                + " s; the last error: "
                + why);
  }

  /** Says what is wrong with the Node. */
  Optional<String> nodeProblem() {
    String now = trouble;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
