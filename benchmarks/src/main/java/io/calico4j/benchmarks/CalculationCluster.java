package io.calico4j.benchmarks;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The clusters that {@link CalculationBenchmark} calculates with, as resources. Their shapes and
 * counts are those of upstream's {@code felix/calc/calc_graph_bench_test.go}.
 */
final class CalculationCluster {
  /** The node that is measured. */
  static final String LOCAL = "localhost";

  private static final String REMOTE = "remotehost";
  private static final String NAME_LABEL = "pcns.projectcalico.org/name";

  private static final int LOCAL_CUSTOMERS = 100;
  private static final int LOCAL_ENDPOINTS = 200;
  private static final int REMOTE_ENDPOINTS = 10_000;
  private static final int NAMESPACES = 100;

  /** How many networks the network sets have, in turn. */
  private static final int[] NETWORKS = {1, 1, 1, 1, 2, 3, 4, 5, 100, 1000};

  /** Each endpoint has a label for each, with as many values. */
  private static final int[] ONE_IN = {10, 11, 20, 30, 40};

  private static final int MARKERS = 31;
  private static final int FIRST_ADDRESS = 10 << 24 | 1;

  private CalculationCluster() {}

  /**
   * Isolated customers: each has an endpoint, a profile that gives it a label, and a policy that
   * selects this label and lets in what has it. A hundred of the endpoints are local.
   *
   * @param node the node of these
   */
  static List<Resource<?>> customers(int count, String node) {
    List<Resource<?>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String selector = NAME_LABEL + " == 'customer-" + i + "'";
      all.add(
          PopulatedCluster.policy(
              "customer-" + i, selector, List.of(PopulatedCluster.allowFrom(selector))));
    }
    for (int i = 0; i < count; i++) {
      all.add(namespace("customer-" + i));
    }
    for (int i = 0; i < count; i++) {
      boolean local = i % (count / LOCAL_CUSTOMERS) == 0;
      all.add(
          PopulatedCluster.endpoint(
              local ? node : REMOTE, i, address(i), List.of("kns.customer-" + i)));
    }
    return all;
  }

  /**
   * 10,000 remote endpoints and 200 local ones, and so many network sets, each with a policy of all
   * endpoints that lets it in by its label.
   */
  static List<Resource<?>> networkSets(int count) {
    List<Resource<?>> all = new ArrayList<>();
    for (int i = 0; i < NAMESPACES; i++) {
      all.add(namespace("namespace-" + i));
    }
    for (int i = 0; i < REMOTE_ENDPOINTS; i++) {
      all.add(labelled(REMOTE, i));
    }
    int network = 0;
    for (int i = 0; i < count; i++) {
      String name = "network-set-" + i;
      List<String> nets = new ArrayList<>();
      for (int j = NETWORKS[i % NETWORKS.length]; j > 0; j--) {
        nets.add(address(network++));
      }
      all.add(
          Resource.create(
              ResourceKind.GLOBAL_NETWORK_SET,
              Metadata.named(null, name).withLabels(Map.of("network-set-name", name)),
              new NetworkSetSpec(nets)));
      all.add(
          PopulatedCluster.policy(
              "network-set-pol-" + i,
              "all()",
              List.of(PopulatedCluster.allowFrom("network-set-name == '" + name + "'"))));
    }
    for (int i = 0; i < LOCAL_ENDPOINTS; i++) {
      all.add(labelled(LOCAL, REMOTE_ENDPOINTS + i));
    }
    return all;
  }

  /**
   * Applications, each with a policy that lets it in to all 200 local endpoints, and the endpoints
   * spread over them.
   */
  static List<Resource<?>> applications(int endpoints, int policies) {
    List<Resource<?>> all = new ArrayList<>();
    for (int i = 0; i < policies; i++) {
      all.add(
          PopulatedCluster.policy(
              "application-" + i,
              "role == 'server'",
              List.of(PopulatedCluster.allowFrom("app == 'app-" + i + "'"))));
    }
    for (int i = 0; i < endpoints; i++) {
      all.add(member(i, i % policies));
    }
    return all;
  }

  /** Returns an endpoint as it is in an application; the first 200 are local. */
  static Resource<WorkloadEndpointSpec> member(int number, int application) {
    boolean local = number < LOCAL_ENDPOINTS;
    Resource<WorkloadEndpointSpec> endpoint =
        PopulatedCluster.endpoint(local ? LOCAL : REMOTE, number, address(number), List.of());
    return with(endpoint, Map.of("app", "app-" + application, "role", local ? "server" : "client"));
  }

  private static Resource<ProfileSpec> namespace(String name) {
    return Resource.create(
        ResourceKind.PROFILE,
        Metadata.named(null, "kns." + name),
        new ProfileSpec(Map.of(NAME_LABEL, name), List.of(), List.of()));
  }

  private static Resource<WorkloadEndpointSpec> labelled(String node, int number) {
    Map<String, String> labels = new TreeMap<>();
    for (int values : ONE_IN) {
      labels.put("one-in-" + values, "value-" + number % values);
    }
    labels.put("calico/marker-" + number % MARKERS, "true");
    return with(
        PopulatedCluster.endpoint(
            node, number, address(number), List.of("kns.namespace-" + number % NAMESPACES)),
        labels);
  }

  private static Resource<WorkloadEndpointSpec> with(
      Resource<WorkloadEndpointSpec> endpoint, Map<String, String> further) {
    Map<String, String> labels = new TreeMap<>(endpoint.metadata().labels());
    labels.putAll(further);
    return endpoint.withMetadata(endpoint.metadata().withLabels(labels));
  }

  private static String address(int number) {
    int address = FIRST_ADDRESS + number;
    return (address >>> 24)
        + "."
        + (address >>> 16 & 0xff)
        + "."
        + (address >>> 8 & 0xff)
        + "."
        + (address & 0xff)
        + "/32";
  }
}
