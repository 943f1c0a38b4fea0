package io.calico4j.felix.calculation;

import io.calico4j.core.net.IpAddress;
import java.util.Set;

/**
 * An interface of the host that is no workload's.
 *
 * @param name its name
 * @param addresses the addresses it has
 */
public record HostInterface(String name, Set<IpAddress> addresses) {
  /** Copies the addresses. */
  public HostInterface {
    addresses = Set.copyOf(addresses);
  }
}
