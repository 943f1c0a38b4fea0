package io.calico4j.benchmarks;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import java.util.List;
import java.util.Map;

/**
 * A cluster as a measurement's surroundings: {@value #NODES} nodes with {@value #REMOTE} endpoints
 * together, {@value #LOCAL} endpoints of the node that is measured, with addresses from IPAM, and
 * {@value #POLICIES} policies. Each policy selects the endpoints of one application and lets in
 * those of another; endpoint number i is of application i modulo {@value #POLICIES}.
 */
final class PopulatedCluster {
  static final int NODES = 100;
  static final int REMOTE = 10_000;
  static final int LOCAL = 200;
  static final int POLICIES = 1_000;

  /** etcd's default limit of operations in a transaction is 128. */
  private static final int BATCH = 100;

  private final Datastore datastore;
  private final ResourceClient resources;
  private Transaction.Builder batch = Transaction.builder();
  private int batched;

  private PopulatedCluster(Datastore datastore) {
    this.datastore = datastore;
    resources = new ResourceClient(datastore);
  }

  /**
   * Writes the cluster; an IPPool must be there.
   *
   * @param local the node that is measured
   */
  static void write(Datastore datastore, String local) throws DatastoreException, IpamException {
    PopulatedCluster cluster = new PopulatedCluster(datastore);
    for (int i = 0; i < POLICIES; i++) {
      cluster.policy(i);
    }
    for (int node = 0; node < NODES; node++) {
      String name = "remote-" + node;
      cluster.put(Resource.create(ResourceKind.NODE, Metadata.named(null, name), NodeSpec.EMPTY));
      cluster.commit();
      cluster.endpoints(name, node * (REMOTE / NODES), REMOTE / NODES);
    }
    cluster.endpoints(local, REMOTE, LOCAL);
  }

  private void policy(int number) throws DatastoreException {
    String neighbour = "app == 'app-" + (number + 1) % POLICIES + "'";
    Rule.Peer from =
        new Rule.Peer(
            List.of(), List.of(), neighbour, null, null, List.of(), List.of(), null, null);
    Rule allow =
        new Rule(Rule.Action.Allow, null, null, null, null, null, null, from, Rule.Peer.ANY);
    put(
        Resource.create(
            ResourceKind.GLOBAL_NETWORK_POLICY,
            Metadata.named(null, "policy-" + number),
            new PolicySpec(
                null,
                100.0,
                "app == 'app-" + number + "'",
                null,
                null,
                List.of("Ingress"),
                List.of(allow),
                List.of(),
                null,
                null,
                null)));
    commit();
  }

  private void endpoints(String node, int first, int count)
      throws DatastoreException, IpamException {
    List<IpAddress> addresses;
    try (Ipam ipam = new Ipam(datastore, node)) {
      addresses =
          ipam.assign(
                  new AssignRequest(
                      AssignRequest.Use.Workload,
                      "populated." + node,
                      count,
                      0,
                      List.of(),
                      List.of(),
                      List.of(),
                      Map.of("node", node)),
                  Ipam.FurtherWrites.NONE)
              .addresses();
    }
    for (int i = 0; i < count; i++) {
      int number = first + i;
      String workload = "default.pod-" + number;
      put(
          Resource.create(
              ResourceKind.WORKLOAD_ENDPOINT,
              Metadata.named("default", node + "-k8s-pod--" + number + "-eth0")
                  .withLabels(
                      Map.of(
                          "app",
                          "app-" + number % POLICIES,
                          "projectcalico.org/namespace",
                          "default",
                          "projectcalico.org/orchestrator",
                          "k8s")),
              new WorkloadEndpointSpec(
                  "k8s",
                  node,
                  null,
                  "pod-" + number,
                  workload,
                  "eth0",
                  List.of(addresses.get(i).toCidr().toString()),
                  List.of(),
                  "cali" + String.format("%011x", number),
                  null,
                  List.of(),
                  null,
                  List.of(),
                  List.of())));
    }
    commit();
  }

  private <S> void put(Resource<S> resource) throws DatastoreException {
    batch.create(resource.key().path(), ResourceCodec.encode(resources.prepareCreate(resource)));
    if (++batched >= BATCH) {
      commit();
    }
  }

  private void commit() throws DatastoreException {
    if (batched > 0) {
      long unused = datastore.commit(batch.build());
      batch = Transaction.builder();
      batched = 0;
    }
  }
}
