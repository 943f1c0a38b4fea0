package io.calico4j.core.ipam;

import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What to assign.
 *
 * @param use what for: the pools must allow it
 * @param handleId who asks: {@code NETWORK.CONTAINER} for workloads
 * @param ipv4Count how many IPv4 addresses to choose, beside the fixed ones
 * @param ipv6Count how many IPv6 addresses to choose
 * @param ipv4Pools names or CIDRs of the pools to choose IPv4 from; empty for every usable one
 * @param ipv6Pools the same for IPv6
 * @param fixed addresses that must be assigned exactly
 * @param attributes what is recorded with the assignment: node, namespace, pod, timestamp …
 */
public record AssignRequest(
    Use use,
    HandleId handleId,
    int ipv4Count,
    int ipv6Count,
    List<String> ipv4Pools,
    List<String> ipv6Pools,
    List<IpAddress> fixed,
    Map<String, String> attributes) {
  /** What an address is for; the names are those of an IPPool's allowedUses. */
  public enum Use {
    /** A container's or pod's interface. */
    Workload,
    /** A host's end of a tunnel. */
    Tunnel,
    /** A service that BGP announces. */
    LoadBalancer
  }

  private static final Pattern HANDLE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.:-]*");

  /** Copies the collections and checks the handle, which becomes part of a key. */
  public AssignRequest {
    ipv4Pools = List.copyOf(ipv4Pools);
    ipv6Pools = List.copyOf(ipv6Pools);
    fixed = List.copyOf(fixed);
    attributes = Map.copyOf(attributes);
    if (handleId.text().length() > 512 || !HANDLE.matcher(handleId.text()).matches()) {
      throw new IllegalArgumentException(
          "handle \""
              + handleId
              + "\" must be 1 to 512 letters, digits or _.:- and begin with a letter or digit");
    }
  }
}
