package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands in an endpoint that is to be detached. A request may come under another network's
 * name than its ADD, and Go Calico's plugin may have attached the endpoint: the names that a
 * request leads to are then wrong, and those in the endpoint are right.
 */
final class StoredEndpoint {
  private static final Logger log = LoggerFactory.getLogger(StoredEndpoint.class);
  private static final Pattern HOST_INTERFACE = Pattern.compile("cali[A-Za-z0-9_.-]{1,11}");

  private final Resource<WorkloadEndpointSpec> endpoint;

  StoredEndpoint(Resource<WorkloadEndpointSpec> endpoint) {
    this.endpoint = endpoint;
  }

  /** Returns its addresses. */
  Set<IpAddress> addresses() {
    return Set.copyOf(EndpointRegistry.addresses(endpoint.spec()));
  }

  /**
   * Returns the identity with the network that it was attached to: as the endpoint remembers it,
   * else as the handle of its addresses says.
   */
  EndpointIdentity identity(EndpointIdentity asked, Ipam ipam) throws DatastoreException {
    Optional<ContainerTrace> trace = ContainerTrace.of(endpoint);
    if (trace.isPresent()) {
      return trace.get().identity();
    }
    String end = "." + asked.workload();
    for (IpAddress address : addresses()) {
      String handle = ipam.ownerOf(address).map(Block.Owner::handleId).orElse("");
      if (handle.endsWith(end) && handle.length() > end.length()) {
        return new EndpointIdentity(
            handle.substring(0, handle.length() - end.length()),
            asked.node(),
            asked.namespace(),
            asked.orchestrator(),
            asked.workload(),
            asked.interfaceName());
      }
    }
    return asked;
  }

  /**
   * Takes the host's end that the endpoint names out of service, with its routes. A link that leads
   * to addresses of others stays, and so does one whose name is none of Calico's.
   *
   * @param node this node
   */
  void removeLink(NodeName node, Netlink host, LinkReaper reaper) throws KernelException {
    String text = endpoint.spec().interfaceName();
    if (text == null || !HOST_INTERFACE.matcher(text).matches()) {
      return;
    }
    InterfaceName name = new InterfaceName(text);
    Optional<Link> link = host.link(text);
    if (link.isEmpty()
        || link.get().group() == LinkReaper.GROUP
        || !node.is(endpoint.spec().node())) {
      return;
    }
    Set<Cidr> own = new HashSet<>();
    addresses().forEach(address -> own.add(address.toCidr()));
    for (IpNat nat : endpoint.spec().ipNATs()) {
      own.add(Cidr.parse(nat.externalIP()).address().toCidr());
    }
    List<Cidr> others =
        host.routes().stream()
            .filter(r -> r.interfaceIndex() == link.get().index())
            .map(r -> r.destination())
            .filter(d -> d.isSingle() && !own.contains(d))
            .toList();
    if (!others.isEmpty()) {
      log.warn(
          "{} stays, though endpoint {} names it: it leads to {} as well",
          name,
          endpoint.metadata().name(),
          others);
      return;
    }
    reaper.remove(name);
  }
}
