package io.calico4j.felix;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * The addresses that endpoints of this node have had and have no more, until their connections are
 * forgotten. An address that comes back meanwhile is not among them: its connections are those of
 * its new owner. Not for several threads.
 */
final class DepartedAddresses {
  private Set<IpAddress> present = Set.of();
  private final Set<IpAddress> departed = new HashSet<>();

  /** Takes this node's endpoints as they are in force now. */
  void present(Collection<Resource<WorkloadEndpointSpec>> endpoints) {
    Set<IpAddress> now = new HashSet<>();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
      endpoint
          .spec()
          .ipNetworks()
          .forEach(text -> Cidr.tryParse(text).map(Cidr::address).ifPresent(now::add));
    }
    departed.addAll(present);
    departed.removeAll(now);
    present = now;
  }

  /** Returns those whose connections must be forgotten, and forgets them itself. */
  Set<IpAddress> take() {
    Set<IpAddress> taken = Set.copyOf(departed);
    departed.clear();
    return taken;
  }

  /** Takes back what could not be done, as far as it still holds. */
  void putBack(Set<IpAddress> addresses) {
    departed.addAll(addresses);
    departed.removeAll(present);
  }
}
