package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts back routes to this node's workloads that somebody removed, and sets their interfaces up
 * again. Attaching an endpoint makes its routes; this only repairs.
 */
final class WorkloadRoutes {
  private static final Logger log = LoggerFactory.getLogger(WorkloadRoutes.class);

  private final Kernel kernel;

  WorkloadRoutes(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Restores what is missing; an interface that is not there (yet, or any more) is left alone. */
  void restore(Collection<Resource<WorkloadEndpointSpec>> endpoints) throws KernelException {
    if (endpoints.isEmpty()) {
      return;
    }
    try (Netlink netlink = kernel.netlink()) {
      Map<String, Link> links = new HashMap<>();
      netlink.links().forEach(link -> links.put(link.name(), link));
      Set<String> present = new HashSet<>();
      netlink.routes().forEach(r -> present.add(r.destination() + " " + r.interfaceIndex()));
      for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
        Link link = links.get(String.valueOf(endpoint.spec().interfaceName()));
        if (link == null || link.group() != 0) {
          continue;
        }
        if (!link.up()) {
          log.warn("interface {} was down and is set up again", link.name());
          netlink.setUp(link.index(), true);
        }
        for (String network : endpoint.spec().ipNetworks()) {
          Cidr destination = Cidr.parse(network);
          if (!present.contains(destination + " " + link.index())) {
            add(netlink, Route.connected(destination, link.index(), Route.PROTOCOL_BOOT), link);
          }
        }
      }
    }
  }

  private static void add(Netlink netlink, Route route, Link link) throws KernelException {
    try {
      netlink.addRoute(route);
      log.warn("route {} dev {} was missing and is there again", route.destination(), link.name());
    } catch (KernelException e) {
      // Another interface has the route, or this one has just gone: not ours to decide.
      if (e.errno() != KernelException.EEXIST && e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }
}
