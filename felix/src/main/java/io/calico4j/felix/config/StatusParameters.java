package io.calico4j.felix.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What Felix reports of itself and its endpoints.
 *
 * @param interval how often Felix writes that it is alive, and compares what it has reported of
 *     endpoints with what is stored; zero is never
 * @param ttl how long it counts as alive then
 * @param endpoints whether the status of each endpoint is written
 * @param endpointDelay how long to wait between the statuses of two endpoints; zero is not at all
 * @param files where the directory of the status files is; none are written without
 */
public record StatusParameters(
    Duration interval,
    Duration ttl,
    boolean endpoints,
    Duration endpointDelay,
    Optional<Path> files) {
  /** Upstream's. */
  public static final StatusParameters DEFAULTS =
      new StatusParameters(
          Duration.ofSeconds(30),
          Duration.ofSeconds(90),
          false,
          Duration.ofSeconds(1),
          Optional.of(Path.of("/var/run/calico")));
}
