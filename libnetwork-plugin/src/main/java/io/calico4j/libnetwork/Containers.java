package io.calico4j.libnetwork;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.kernel.KernelException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out which container an endpoint is of: Docker says it only after Join. The endpoint gets
 * the container's id, name and labels, and then its pair is opened; so no container has a network
 * before the policy that its labels ask for is in the kernel. Docker starts the container's program
 * later than that.
 */
final class Containers implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Containers.class);
  private static final long FIRST_MILLIS = 5;
  private static final long MOST_MILLIS = 250;

  private final Host host;
  private final boolean labels;
  private final Duration timeout;
  private final ScheduledExecutorService timer = Daemons.timer("docker-containers");

  Containers(Host host, LibnetworkSettings settings) {
    this.host = host;
    labels = settings.labelEndpoints();
    timeout = settings.labelTimeout();
  }

  /** Identifies an endpoint's container as soon as Docker says which one it is. */
  void soon(EndpointId id) {
    later(id, FIRST_MILLIS, System.nanoTime() + timeout.toNanos());
  }

  private void later(EndpointId id, long millis, long end) {
    var unused =
        timer.schedule(
            () -> {
              String missing = attempt(id);
              if (missing.isEmpty() || timer.isShutdown()) {
                return;
              }
              if (System.nanoTime() < end) {
                later(id, Math.min(2 * millis, MOST_MILLIS), end);
                return;
              }
              log.warn(
                  "which container endpoint {} is of was not known within {} s{}: {}",
                  id,
                  timeout.toSeconds(),
                  labels ? ", and it has no network until it is" : "",
                  missing);
            },
            millis,
            TimeUnit.MILLISECONDS);
  }

  /** Returns what is missing; empty when nothing is left to do. */
  private String attempt(EndpointId id) {
    try {
      Optional<DockerEndpoint> stored = host.store().get(id);
      if (stored.isEmpty()) {
        return ""; // It has left meanwhile.
      }
      Optional<DockerApi.Network> network = host.docker().network(stored.get().networkId());
      return network.isPresent() && identify(stored.get(), network.get())
          ? ""
          : "Docker does not list it with a container";
    } catch (DockerApi.AwayException | DatastoreException | KernelException | RefusedException e) {
      return String.valueOf(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "calico-node is ending";
    }
  }

  /**
   * Identifies an endpoint's container, if Docker knows it; does nothing when nothing has changed.
   *
   * @return whether it is known
   */
  boolean identify(DockerEndpoint endpoint, DockerApi.Network network)
      throws DockerApi.AwayException,
          DatastoreException,
          KernelException,
          RefusedException,
          InterruptedException {
    EndpointId id = endpoint.id();
    String containerId = network.containers().getOrDefault(id.text(), "");
    if (containerId.isEmpty()) {
      return false;
    }
    Optional<DockerApi.Container> container = host.docker().container(containerId);
    if (container.isEmpty()) {
      return false;
    }
    Map<String, String> wanted = labels ? ContainerLabels.of(container.get()) : Map.of();
    Optional<DockerEndpoint> stored =
        host.store().change(id, e -> e.identified(container.get(), network.name(), wanted));
    if (stored.isPresent() && host.pairs().isShut(id)) {
      host.open(stored.get());
      log.info(
          "endpoint {} with {} is container {} in network {}",
          id,
          stored.get().addresses(),
          container.get().name(),
          network.name());
    }
    return true;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
