package io.calico4j.core.endpoint;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import java.util.Map;
import java.util.Optional;

/**
 * What an endpoint remembers of the container it was attached to, kept in the WorkloadEndpoint's
 * annotations. Endpoints of other tools have none.
 *
 * @param identity whose endpoint it is
 * @param runtime the orchestrator that attached it; empty when unknown
 * @param sandbox the path of its network namespace, as the orchestrator named it
 */
public record ContainerTrace(EndpointIdentity identity, String runtime, String sandbox) {
  private static final String NETWORK = "io.calico4j/network";
  private static final String RUNTIME = "io.calico4j/runtime";
  private static final String SANDBOX = "io.calico4j/sandbox";

  /** Returns the annotations that keep it. */
  Map<String, String> annotations() {
    return Map.of(NETWORK, identity.network(), RUNTIME, runtime, SANDBOX, sandbox);
  }

  /** Reads an endpoint's; empty when it was made by another tool or by an older version. */
  public static Optional<ContainerTrace> of(Resource<WorkloadEndpointSpec> endpoint) {
    Map<String, String> annotations = endpoint.metadata().annotations();
    WorkloadEndpointSpec spec = endpoint.spec();
    String network = annotations.get(NETWORK);
    String workload = spec.containerID() == null ? spec.workload() : spec.containerID();
    String namespace = endpoint.metadata().namespace();
    if (network == null || workload == null || namespace == null) {
      return Optional.empty();
    }
    try {
      ContainerTrace trace =
          new ContainerTrace(
              new EndpointIdentity(
                  network,
                  new NodeName(spec.node()),
                  namespace,
                  spec.orchestrator(),
                  workload,
                  new InterfaceName(spec.endpoint())),
              annotations.getOrDefault(RUNTIME, ""),
              annotations.getOrDefault(SANDBOX, ""));
      return trace.identity.key().name().equals(endpoint.metadata().name())
          ? Optional.of(trace)
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
