package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Deletes a Node with all that is the node's alone, as upstream does ({@code
 * libcalico-go/lib/clientv3/node.go}): its workload endpoints with their addresses, its tunnel
 * addresses, its blocks, its BGPPeers, its host endpoints and its own configuration. The Node goes
 * last, so that it can be killed anywhere and repeated.
 */
public final class NodeRemoval {
  private final Datastore datastore;
  private final ResourceClient resources;

  /** For the nodes of a datastore. */
  public NodeRemoval(Datastore datastore) {
    this.datastore = datastore;
    this.resources = new ResourceClient(datastore);
  }

  /**
   * Deletes the node. What is left of a node without a Node is cleaned up too.
   *
   * @param revision the revision that it must have before anything is done; 0 for any
   * @throws NotFoundException when there is none, after what was left of it is gone
   * @throws io.calico4j.core.datastore.ConflictException when it has another revision
   */
  public void run(String name, long revision) throws DatastoreException {
    Optional<Resource<NodeSpec>> node = resources.get(ResourceKind.NODE, "", name);
    ResourceKey key = ResourceKey.of(ResourceKind.NODE, name);
    if (node.isPresent()) {
      resources.requireRevision(key, revision);
    }
    for (Resource<WorkloadEndpointSpec> endpoint : resources.list(ResourceKind.WORKLOAD_ENDPOINT)) {
      if (name.equals(endpoint.spec().node())) {
        new EndpointRemoval(datastore).run(endpoint.key(), 0);
      }
    }
    try (Ipam ipam = Ipam.ofCluster(datastore)) {
      List<IpAddress> unused =
          ipam.release(tunnelAddresses(node.map(Resource::spec)), Ipam.FurtherWrites.NONE);
      ipam.releaseAllOf(name, (Block.Owner owner) -> name.equals(owner.secondary().get("node")));
    }
    deleteOwnResources(name);
    resources.delete(key);
  }

  private static List<IpAddress> tunnelAddresses(Optional<NodeSpec> node) {
    return node.stream()
        .flatMap(
            spec ->
                Stream.of(
                    Optional.ofNullable(spec.ipv4VXLANTunnelAddr()),
                    Optional.ofNullable(spec.ipv6VXLANTunnelAddr()),
                    Optional.ofNullable(spec.bgp()).map(NodeSpec.Bgp::ipv4IPIPTunnelAddr)))
        .flatMap(Optional::stream)
        .flatMap(text -> Cidr.tryParse(text).stream())
        .map(Cidr::address)
        .toList();
  }

  private void deleteOwnResources(String name) throws DatastoreException {
    List<ResourceKey> own = new ArrayList<>();
    for (Resource<BgpPeerSpec> peer : resources.list(ResourceKind.BGP_PEER)) {
      if (name.equals(peer.spec().node())) {
        own.add(peer.key());
      }
    }
    for (Resource<HostEndpointSpec> endpoint : resources.list(ResourceKind.HOST_ENDPOINT)) {
      if (name.equals(endpoint.spec().node())) {
        own.add(endpoint.key());
      }
    }
    own.add(ResourceKey.of(ResourceKind.FELIX_CONFIGURATION, "node." + name));
    own.add(ResourceKey.of(ResourceKind.BGP_CONFIGURATION, "node." + name));
    for (ResourceKey key : own) {
      try {
        resources.delete(key);
      } catch (NotFoundException e) {
        // It had none, or it was deleted meanwhile.
      }
    }
  }
}
