package io.calico4j.core.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The four parts of a WorkloadEndpoint's name, {@code NODE-ORCHESTRATOR-WORKLOAD-ENDPOINT} with
 * every dash inside a part doubled ({@code libcalico-go/lib/names/workloadendpoint.go}).
 *
 * @param node the node
 * @param orchestrator the orchestrator: k8s, cni, libnetwork, mesos or another
 * @param workload the pod for k8s, the container id for cni, the word libnetwork for libnetwork,
 *     the workload id for others
 * @param endpoint the interface's name inside the sandbox
 */
public record WorkloadEndpointName(
    String node, String orchestrator, String workload, String endpoint) {
  private static final int PARTS = 4;

  /** Refuses parts from which no name can be made that is read back as the same parts. */
  public WorkloadEndpointName {
    part("node", node);
    part("orchestrator", orchestrator);
    part("workload", workload);
    part("endpoint", endpoint);
  }

  private static void part(String what, @Nullable String part) {
    if (part == null || part.isEmpty() || part.startsWith("-") || part.endsWith("-")) {
      throw new IllegalArgumentException(
          what + " \"" + part + "\" must not be empty nor begin or end with a dash");
    }
  }

  /**
   * Returns the name that an endpoint must have.
   *
   * @throws IllegalArgumentException when a part is missing or cannot be part of a name
   */
  public static WorkloadEndpointName of(WorkloadEndpointSpec spec) {
    String orchestrator = String.valueOf(spec.orchestrator());
    String workload =
        switch (orchestrator) {
          case "k8s" -> spec.pod();
          case "cni" -> spec.containerID();
          case "libnetwork" -> "libnetwork";
          default -> spec.workload();
        };
    return new WorkloadEndpointName(
        spec.node(), orchestrator, workload == null ? "" : workload, spec.endpoint());
  }

  /** Reads a name; empty when it does not have exactly four parts. */
  public static Optional<WorkloadEndpointName> parse(String name) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c != '-') {
        part.append(c);
      } else if (i + 1 < name.length() && name.charAt(i + 1) == '-' && !part.isEmpty()) {
        part.append(c);
        i++;
      } else {
        parts.add(part.toString());
        part.setLength(0);
      }
    }
    parts.add(part.toString());
    try {
      return parts.size() == PARTS
          ? Optional.of(
              new WorkloadEndpointName(parts.get(0), parts.get(1), parts.get(2), parts.get(3)))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Returns what the names of a node's endpoints of one orchestrator begin with. */
  public static String prefix(String node, String orchestrator) {
    return escape(node) + "-" + escape(orchestrator) + "-";
  }

  private static String escape(String part) {
    return part.replace("-", "--");
  }

  /** Returns the name. */
  @Override
  public String toString() {
    return prefix(node, orchestrator) + escape(workload) + "-" + escape(endpoint);
  }
}
