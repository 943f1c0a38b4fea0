package io.calico4j.testbed;

import java.util.Map;

/**
 * A container as far as the network is concerned.
 *
 * @param name unique in the testbed; also its sandbox's name
 * @param orchestrator who runs it
 * @param network the network's name
 * @param labels its labels (Mesos)
 * @param sandbox its network namespace
 * @param address its IPv4 address
 */
public record Workload(
    String name,
    Orchestrator orchestrator,
    String network,
    Map<String, String> labels,
    Namespace sandbox,
    String address) {
  /** Copies the labels. */
  public Workload {
    labels = Map.copyOf(labels);
  }
}
