package io.calico4j.mesos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.ContainerTrace;
import io.calico4j.core.endpoint.DetachStep;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the commands of net-modules do. Addresses are held by the {@code uid} that asked for them,
 * before and after there is a container; the endpoint remembers the uid, so that a cleanup finds
 * all that belongs to the container.
 */
final class NetModulesCommands {
  private static final int MAX_ADDRESSES = 256;

  private final EndpointService endpoints;
  private final Ipam ipam;
  private final Kernel kernel;
  private final ResourceClient resources;
  private final NetModulesProfiles profiles;
  private final NodeName node;

  NetModulesCommands(
      EndpointService endpoints, Ipam ipam, Kernel kernel, ResourceClient resources) {
    this.endpoints = endpoints;
    this.ipam = ipam;
    this.kernel = kernel;
    this.resources = resources;
    node = ipam.node();
    profiles = new NetModulesProfiles(resources, node);
    endpoints.addStep(NetModules.RELEASE_UID, (endpoint, request) -> releaseUid(endpoint));
  }

  JsonObject run(String command, NetModulesArguments args)
      throws RefusedRequestException,
          IpamException,
          DatastoreException,
          AttachException,
          KernelException {
    return switch (command) {
      case "allocate" -> allocate(args);
      case "reserve" -> reserve(args);
      case "release" -> release(args);
      case "isolate" -> isolate(args);
      case "cleanup" -> cleanup(args);
      default -> throw new RefusedRequestException("Unknown command: " + command);
    };
  }

  private JsonObject allocate(NetModulesArguments args)
      throws RefusedRequestException, IpamException, DatastoreException {
    args.require("hostname");
    int ipv4 = args.integer("num_ipv4");
    int ipv6 = args.integer("num_ipv6");
    HandleId uid = args.uid();
    if (ipv4 < 0 || ipv6 < 0 || ipv4 + ipv6 > MAX_ADDRESSES) {
      throw new RefusedRequestException("num_ipv4 and num_ipv6 must be within 0 to 256 together");
    }
    List<IpAddress> fixed = args.fixed();
    List<IpAddress> addresses =
        new ArrayList<>(assign(uid, Math.max(0, ipv4 - fixed.size()), ipv6, fixed));
    addresses.removeAll(fixed);
    addresses.addAll(fixed);
    JsonObject answer = new JsonObject();
    answer.add("ipv4", texts(addresses, true));
    answer.add("ipv6", texts(addresses, false));
    return answer;
  }

  private JsonObject reserve(NetModulesArguments args)
      throws RefusedRequestException, IpamException, DatastoreException {
    args.require("hostname");
    HandleId uid = args.uid();
    var unused = assign(uid, 0, 0, args.addresses());
    return new JsonObject();
  }

  private List<IpAddress> assign(HandleId uid, int ipv4, int ipv6, List<IpAddress> fixed)
      throws IpamException, DatastoreException {
    List<IpAddress> assigned =
        ipam.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    uid,
                    ipv4,
                    ipv6,
                    List.of(),
                    List.of(),
                    fixed,
                    Map.of(
                        "node",
                        node.text(),
                        NetModules.RUNTIME_ATTRIBUTE,
                        NetModules.RUNTIME,
                        "timestamp",
                        Instant.now().toString())),
                Ipam.FurtherWrites.NONE)
            .addresses();
    endpoints.awaitForgotten(assigned);
    return assigned;
  }

  private JsonObject release(NetModulesArguments args)
      throws RefusedRequestException, AttachException, DatastoreException {
    boolean byUid = args.has("uid");
    boolean byIps = args.has("ips");
    if (byUid && byIps) {
      throw new RefusedRequestException("Supply either uid or ips, not both.");
    }
    if (byUid) {
      HandleId uid = args.uid();
      refuseUsed(ipam.addressesOf(uid));
      var unused = ipam.release(uid);
    } else if (byIps) {
      refuseUsed(args.ips());
      for (IpAddress address : args.ips()) {
        boolean unused = ipam.release(address);
      }
    } else {
      throw new RefusedRequestException("Must supply either uid or ips.");
    }
    return new JsonObject();
  }

  /** Refuses addresses that a running container has: their next owner would share them. */
  private void refuseUsed(Collection<IpAddress> addresses)
      throws RefusedRequestException, AttachException, DatastoreException {
    if (addresses.isEmpty()) {
      return;
    }
    for (Resource<WorkloadEndpointSpec> endpoint : resources.list(ResourceKind.WORKLOAD_ENDPOINT)) {
      for (String network : endpoint.spec().ipNetworks()) {
        Optional<IpAddress> used = Cidr.tryParse(network).map(Cidr::address);
        if (used.isPresent() && addresses.contains(used.get()) && isLive(endpoint)) {
          throw new RefusedRequestException(
              "IP '"
                  + used.get()
                  + "' is not released, a running container uses it: endpoint "
                  + endpoint.metadata().namespace()
                  + "/"
                  + endpoint.metadata().name()
                  + " on node "
                  + endpoint.spec().node());
        }
      }
    }
  }

  /**
   * The module releases addresses before it cleans up, when the container's processes have ended:
   * then the namespace of the process is gone. What cannot be judged from here counts as live.
   */
  private boolean isLive(Resource<WorkloadEndpointSpec> endpoint) throws AttachException {
    Optional<ContainerTrace> trace = ContainerTrace.of(endpoint);
    if (trace.isEmpty() || !trace.get().identity().node().equals(node)) {
      return true;
    }
    return Files.exists(Path.of(trace.get().sandbox()))
        && endpoints.isLinked(trace.get().identity());
  }

  private JsonObject isolate(NetModulesArguments args)
      throws RefusedRequestException, AttachException, KernelException, DatastoreException {
    EndpointIdentity identity = NetModules.identity(node, args.container());
    String hostname = args.string("hostname");
    int pid = args.integer("pid");
    List<IpAddress> addresses = args.addresses();
    List<ProfileDraft> drafts = profiles.of(hostname, args.strings("netgroups"));
    Map<String, String> labels = labels(args);
    try (NetworkNamespace sandbox =
        kernel.openNamespace(Path.of("/proc", Integer.toString(pid), "ns/net"))) {
      refuseAnotherSandbox(identity, sandbox);
      var unused =
          endpoints.attach(
              AttachRequest.of(identity)
                  .labels(labels)
                  .annotations(holder(addresses))
                  .profiles(drafts.stream().map(ProfileDraft::name).toList(), drafts)
                  .held(addresses)
                  .runtime(NetModules.RUNTIME)
                  .workload(identity.workload())
                  .build(),
              sandbox);
    }
    return new JsonObject();
  }

  /** The same request may come again; another process of the container may not take its place. */
  private void refuseAnotherSandbox(EndpointIdentity identity, NetworkNamespace sandbox)
      throws RefusedRequestException, AttachException, DatastoreException {
    Optional<ContainerTrace> trace = stored(identity).flatMap(ContainerTrace::of);
    if (trace.isPresent()
        && !trace.get().sandbox().equals(sandbox.name())
        && endpoints.isLinked(identity)) {
      throw new RefusedRequestException(
          "This container has already been configured with Calico Networking.");
    }
  }

  /**
   * Remembers which uid holds the addresses; nothing when another program assigned them. An address
   * of a CNI container, whose interface is recorded, is not given twice.
   */
  private Map<String, String> holder(List<IpAddress> addresses)
      throws DatastoreException, RefusedRequestException {
    Map<String, String> holder = new TreeMap<>();
    for (IpAddress address : addresses) {
      Optional<Block.Owner> owner = ipam.ownerOf(address);
      if (owner.isPresent() && owner.get().secondary().containsKey("interface")) {
        throw RefusedRequestException.addressInUse(address);
      }
      owner
          .map(Block.Owner::handleId)
          .ifPresent(handle -> holder.put(NetModules.UID_ANNOTATION, handle));
    }
    return holder;
  }

  private static Map<String, String> labels(NetModulesArguments args)
      throws RefusedRequestException {
    List<Map.Entry<String, String>> given = new ArrayList<>(args.labels());
    given.removeIf(label -> label.getKey().equals(NetModulesArguments.FIXED));
    for (Map.Entry<String, String> label : given) {
      if (MesosLabels.isRequest(label.getKey())) {
        throw new RefusedRequestException(
            "label \""
                + label.getKey()
                + "\" asks for something: with net-modules only netgroups and addresses do");
      }
    }
    return MesosLabels.of(given).labels();
  }

  /** While the datastore is away this is recorded, and calico-node does the rest later. */
  private JsonObject cleanup(NetModulesArguments args)
      throws RefusedRequestException, AttachException {
    endpoints.detach(
        NetModules.identity(node, args.container()),
        new DetachStep.Asked(NetModules.RELEASE_UID, new JsonObject()));
    return new JsonObject();
  }

  /** Releases what the uid that the endpoint remembers holds, its addresses among that. */
  private void releaseUid(Resource<WorkloadEndpointSpec> endpoint) throws DatastoreException {
    Optional<HandleId> uid = NetModules.uid(endpoint);
    if (uid.isPresent()) {
      var unused = ipam.release(uid.get());
    }
  }

  private Optional<Resource<WorkloadEndpointSpec>> stored(EndpointIdentity identity)
      throws DatastoreException {
    return resources.get(
        ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name());
  }

  private static JsonArray texts(List<IpAddress> addresses, boolean v4) {
    JsonArray texts = new JsonArray();
    addresses.stream().filter(a -> a.isV4() == v4).forEach(a -> texts.add(a.toString()));
    return texts;
  }
}
