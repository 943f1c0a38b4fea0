package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.ValueType;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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

  private static final Parameter<Duration> REPORTING =
      Parameter.of(
          "ReportingIntervalSecs",
          "reportingInterval",
          ValueType.duration(),
          DEFAULTS.interval(),
          "30; calico-node writes 0s into FelixConfiguration default",
          "/calico/felix/v2/no-region/host/NODE/status (with a lease) and last_reported_status are"
              + " written; 0 never");

  private static final Parameter<Duration> TTL =
      Parameter.of(
          "ReportingTTLSecs",
          "reportingTTL",
          ValueType.duration(),
          DEFAULTS.ttl(),
          "90",
          "the lease's seconds");

  private static final Parameter<Boolean> ENDPOINTS =
      Parameter.of(
          "EndpointReportingEnabled",
          "endpointReportingEnabled",
          ValueType.flag(),
          false,
          "false",
          "a key of each endpoint says up (its rules are in the kernel, its interface is up) or"
              + " down; of a HostEndpoint also error (no interface of the host is its own)");

  private static final Parameter<Duration> ENDPOINT_DELAY =
      Parameter.of(
          "EndpointReportingDelaySecs",
          "endpointReportingDelay",
          ValueType.duration(),
          DEFAULTS.endpointDelay(),
          "1",
          "one such key is written at a time, with this time between them; 0 as many as there are");

  private static final Parameter<Optional<Path>> STATUS_FILES =
      Parameter.of(
          "EndpointStatusPathPrefix",
          "endpointStatusPathPrefix",
          ValueType.of("an absolute path, or none", StatusParameters::path),
          DEFAULTS.files(),
          "/var/run/calico",
          "in endpoint-status below it is a file for each WorkloadEndpoint whose rules are in the"
              + " kernel; none: there are no such files");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS =
      List.of(REPORTING, TTL, ENDPOINTS, ENDPOINT_DELAY, STATUS_FILES);

  /** Resolves the parameters of this group. */
  static StatusParameters resolve(List<FelixSource> sources) {
    return new StatusParameters(
        REPORTING.find(sources),
        TTL.find(sources),
        ENDPOINTS.find(sources),
        ENDPOINT_DELAY.find(sources),
        STATUS_FILES.find(sources));
  }

  private static Optional<Optional<Path>> path(String text) {
    if (text.equalsIgnoreCase("none")) {
      return Optional.of(Optional.empty());
    }
    try {
      return Optional.of(Path.of(text)).filter(Path::isAbsolute).map(Optional::of);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
