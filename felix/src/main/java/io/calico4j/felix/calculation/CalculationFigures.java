package io.calico4j.felix.calculation;

import io.calico4j.core.selector.LabelIndex;
import java.util.Map;

/**
 * How much the calculation knows and has done.
 *
 * @param localEndpoints this node's workload endpoints, and its host endpoints that are in force
 * @param localPolicies policies that apply to any of them
 * @param addressSets sets of addresses that rules of this node ask for
 * @param updates how many updates it has taken, by the kind of the resource; {@code BlockAffinity}
 *     for what IPAM writes
 * @param output how many changes it has told of
 * @param cluster how large the cluster is
 * @param index the index of all endpoints and network sets by those sets
 */
public record CalculationFigures(
    int localEndpoints,
    int localPolicies,
    int addressSets,
    Map<String, Long> updates,
    long output,
    Cluster cluster,
    LabelIndex.Figures index) {
  /**
   * How many readable resources of the cluster there are.
   *
   * @param hosts nodes
   * @param hostEndpoints host endpoints of all nodes
   * @param workloadEndpoints workload endpoints of all nodes
   * @param policies policies of both kinds, damaged ones included, for they close endpoints
   * @param profiles profiles, with the one that is never stored
   * @param tiers tiers
   */
  public record Cluster(
      int hosts, int hostEndpoints, int workloadEndpoints, int policies, int profiles, int tiers) {}
}
