package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.AttachTimings.Clock;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import java.util.List;

/** Looks whether an attached endpoint is complete: registered, wired, addressed. */
final class EndpointChecker {
  private final ResourceClient resources;
  private final Kernel kernel;
  private final Netlink host;

  EndpointChecker(ResourceClient resources, Kernel kernel, Netlink host) {
    this.resources = resources;
    this.kernel = kernel;
    this.host = host;
  }

  /**
   * Checks that an attached endpoint is complete: registered, wired, addressed.
   *
   * @throws AttachException naming what is missing
   */
  Attachment check(EndpointIdentity identity, NetworkNamespace sandbox) throws AttachException {
    try {
      Resource<WorkloadEndpointSpec> endpoint =
          resources
              .get(ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name())
              .orElseThrow(
                  () -> inconsistent("there is no " + identity.key() + " in the datastore"));
      List<IpAddress> addresses = EndpointRegistry.addresses(endpoint.spec());
      Link hostLink =
          host.link(identity.hostInterface().text())
              .filter(l -> l.up() && l.group() != LinkReaper.GROUP)
              .orElseThrow(
                  () ->
                      inconsistent(
                          "host interface " + identity.hostInterface() + " is missing or down"));
      try (Netlink inside = kernel.netlink(sandbox)) {
        Link link =
            inside
                .link(identity.interfaceName().text())
                .orElseThrow(
                    () ->
                        inconsistent(
                            "interface " + identity.interfaceName() + " is missing inside"));
        for (IpAddress address : addresses) {
          if (inside.addresses().stream()
              .noneMatch(a -> a.interfaceIndex() == link.index() && a.address().equals(address))) {
            throw inconsistent("address " + address + " is not on " + identity.interfaceName());
          }
          if (host.routes().stream()
              .noneMatch(
                  r ->
                      r.destination().equals(address.toCidr())
                          && r.interfaceIndex() == hostLink.index())) {
            throw inconsistent("the host has no route to " + address + " on " + hostLink.name());
          }
        }
      }
      return new Attachment(
          addresses,
          identity.hostInterface(),
          SandboxWiring.HOST_MAC.text(),
          EndpointRegistry.mac(endpoint.spec(), identity),
          hostLink.mtu(),
          new Clock().read());
    } catch (DatastoreException | KernelException e) {
      throw AttachException.of("check", identity, e);
    }
  }

  boolean isWired(EndpointIdentity identity, NetworkNamespace sandbox) {
    try {
      check(identity, sandbox);
      return true;
    } catch (AttachException e) {
      return false;
    }
  }

  /** Tells whether the host's end of the endpoint is in the kernel and stays there. */
  boolean isLinked(EndpointIdentity identity) throws AttachException {
    try {
      return host.link(identity.hostInterface().text())
          .filter(link -> link.group() != LinkReaper.GROUP)
          .isPresent();
    } catch (KernelException e) {
      throw AttachException.of("look for", identity, e);
    }
  }

  private static AttachException inconsistent(String message) {
    return new AttachException(Reason.INCONSISTENT, message, null);
  }
}
