package io.calico4j.core.endpoint;

import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Map;

/**
 * What an orchestrator asks for one interface of one container.
 *
 * @param identity whose interface it is
 * @param labels the endpoint's labels
 * @param profiles the endpoint's profiles, in order
 * @param newProfiles profiles that are created first, unless they are there
 * @param ipv4Count how many IPv4 addresses to choose
 * @param ipv6Count how many IPv6 addresses to choose
 * @param ipv4Pools pools to choose IPv4 from; empty for every usable one
 * @param ipv6Pools pools to choose IPv6 from
 * @param fixed addresses to assign exactly
 * @param held addresses the orchestrator has assigned already; nothing is assigned then
 * @param mtu of the pair, in bytes; 0 for the host's default
 * @param ipForwarding whether the container may forward packets
 * @param runtime the orchestrator that asks, such as rkt or mesos; empty when unknown
 */
public record AttachRequest(
    EndpointIdentity identity,
    Map<String, String> labels,
    List<String> profiles,
    List<ProfileDraft> newProfiles,
    int ipv4Count,
    int ipv6Count,
    List<String> ipv4Pools,
    List<String> ipv6Pools,
    List<IpAddress> fixed,
    List<IpAddress> held,
    int mtu,
    boolean ipForwarding,
    String runtime) {
  /** Copies the collections. */
  public AttachRequest {
    labels = Map.copyOf(labels);
    profiles = List.copyOf(profiles);
    newProfiles = List.copyOf(newProfiles);
    ipv4Pools = List.copyOf(ipv4Pools);
    ipv6Pools = List.copyOf(ipv6Pools);
    fixed = List.copyOf(fixed);
    held = List.copyOf(held);
  }
}
