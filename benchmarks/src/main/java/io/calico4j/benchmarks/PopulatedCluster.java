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
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import java.util.List;
import java.util.Map;

/**
 * A cluster as a measurement's surroundings: up to {@value #NODES} nodes with up to {@value
 * #REMOTE} endpoints together, {@value #LOCAL} endpoints of the node that is measured, with
 * addresses from IPAM, and {@value #POLICIES} policies. Each policy selects the endpoints of one
 * application and lets in those of the next; endpoint number i is of application i modulo {@value
 * #POLICIES}, and those of the measured node are of applications 0 to 199.
 */
final class PopulatedCluster {
  static final int NODES = 100;
  static final int REMOTE = 10_000;
  static final int LOCAL = 200;
  static final int POLICIES = 1_000;

  /** etcd's default limit of operations in a transaction is 128. */
  private static final int BATCH = 100;

  private static final int ON_A_NODE = REMOTE / NODES;

  private final Datastore datastore;
  private final ResourceClient resources;
  private Transaction.Builder batch = Transaction.builder();
  private int batched;
  private int remote;

  /** Makes an empty one; an IPPool must be there. */
  PopulatedCluster(Datastore datastore) {
    this.datastore = datastore;
    resources = new ResourceClient(datastore);
  }

  /**
   * Writes the whole cluster; an IPPool must be there.
   *
   * @param local the node that is measured
   */
  static void write(Datastore datastore, String local) throws DatastoreException, IpamException {
    PopulatedCluster cluster = new PopulatedCluster(datastore);
    cluster.putPolicies();
    cluster.growTo(REMOTE);
    cluster.putLocal(local);
  }

  /** Writes the policies. */
  void putPolicies() throws DatastoreException {
    for (int i = 0; i < POLICIES; i++) {
      put(policy("policy-" + i, app(i), List.of(allowFrom(app((i + 1) % POLICIES)))));
    }
    commit();
  }

  /** Writes the endpoints of the node that is measured. */
  void putLocal(String node) throws DatastoreException, IpamException {
    putEndpoints(node, REMOTE, LOCAL);
  }

  /** Writes further endpoints of other nodes until there are so many. */
  void growTo(int count) throws DatastoreException, IpamException {
    while (remote < count) {
      int place = remote % ON_A_NODE;
      String node = remoteNode(remote);
      if (place == 0) {
        put(Resource.create(ResourceKind.NODE, Metadata.named(null, node), NodeSpec.EMPTY));
        commit();
      }
      int some = Math.min(ON_A_NODE - place, count - remote);
      putEndpoints(node, remote, some);
      remote += some;
    }
  }

  /** Returns the node of a remote endpoint. */
  static String remoteNode(int number) {
    return "remote-" + number / ON_A_NODE;
  }

  /** Returns the selector of an application's endpoints. */
  static String app(int number) {
    return "app == 'app-" + number + "'";
  }

  /** Returns a rule that lets in what a selector selects. */
  static Rule allowFrom(String selector) {
    Rule.Peer from =
        new Rule.Peer(List.of(), List.of(), selector, null, null, List.of(), List.of(), null, null);
    return new Rule(Rule.Action.Allow, null, null, null, null, null, null, from, Rule.Peer.ANY);
  }

  /** Returns a policy for what comes in to the endpoints that a selector selects. */
  static Resource<PolicySpec> policy(String name, String selector, List<Rule> ingress) {
    return Resource.create(
        ResourceKind.GLOBAL_NETWORK_POLICY,
        Metadata.named(null, name),
        new PolicySpec(
            null,
            100.0,
            selector,
            null,
            null,
            List.of("Ingress"),
            ingress,
            List.of(),
            null,
            null,
            null));
  }

  /** Returns the name of an endpoint's resource. */
  static String endpointName(String node, int number) {
    return node.replace("-", "--") + "-k8s-pod--" + number + "-eth0";
  }

  /**
   * Returns an endpoint of application number modulo {@value #POLICIES}.
   *
   * @param network its address, as /32
   * @param profiles names of its profiles
   */
  static Resource<WorkloadEndpointSpec> endpoint(
      String node, int number, String network, List<String> profiles) {
    return Resource.create(
        ResourceKind.WORKLOAD_ENDPOINT,
        Metadata.named("default", endpointName(node, number))
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
            "default.pod-" + number,
            "eth0",
            List.of(network),
            profiles,
            "cali" + String.format("%011x", number),
            null,
            List.of(),
            null,
            List.of(),
            List.of()));
  }

  private void putEndpoints(String node, int first, int count)
      throws DatastoreException, IpamException {
    List<IpAddress> addresses;
    try (Ipam ipam = new Ipam(datastore, new NodeName(node))) {
      addresses =
          ipam.assign(
                  new AssignRequest(
                      AssignRequest.Use.Workload,
                      new HandleId("populated." + node + "." + first),
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
      put(endpoint(node, first + i, addresses.get(i).toCidr().toString(), List.of()));
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
