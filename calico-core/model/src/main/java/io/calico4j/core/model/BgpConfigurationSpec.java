package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a BGPConfiguration: {@code default} for the cluster, {@code node.NAME} for one node.
 *
 * @param logSeverityScreen BIRD's log level: Trace, Debug, Info (default), Warning, Error, Fatal
 * @param nodeToNodeMeshEnabled whether every node peers with every other; default true
 * @param asNumber the default AS number; 64512 when null
 * @param serviceLoadBalancerIPs networks of load balancers' addresses, announced as a whole
 * @param serviceExternalIPs networks of services' external addresses, announced as a whole
 * @param serviceClusterIPs networks of services' cluster addresses, announced as a whole
 * @param serviceLoadBalancerAggregation Enabled (default), or Disabled: networks of load balancers
 *     are not announced as a whole
 * @param communities names of communities
 * @param prefixAdvertisements which routes are announced with which communities
 * @param listenPort BGP's TCP port; 179 when null
 * @param nodeMeshPassword of the sessions of the mesh
 * @param nodeMeshMaxRestartTime how long the mesh's routes are kept while a node's bird restarts
 * @param bindMode None (default) listens on all addresses, NodeIP on the node's only
 * @param ignoredInterfaces interfaces whose networks bird does not read
 * @param localWorkloadPeeringIPV4 the address at which workloads would find their node
 * @param localWorkloadPeeringIPV6 the same for IPv6
 * @param programClusterRoutes for which pools bird writes the routes to other nodes' blocks into
 *     the kernel: EnabledNoEncapOnly (default) or Disabled; IP in IP is Felix's
 * @param ipv4NormalRoutePriority the metric of a workload's route; 1024 when null
 * @param ipv6NormalRoutePriority the same for IPv6
 */
public record BgpConfigurationSpec(
    @Nullable String logSeverityScreen,
    @Nullable Boolean nodeToNodeMeshEnabled,
    @Nullable AsNumber asNumber,
    List<CidrEntry> serviceLoadBalancerIPs,
    List<CidrEntry> serviceExternalIPs,
    List<CidrEntry> serviceClusterIPs,
    @Nullable String serviceLoadBalancerAggregation,
    List<NamedCommunity> communities,
    List<PrefixAdvertisement> prefixAdvertisements,
    @Nullable Integer listenPort,
    @Nullable SecretKeySelector nodeMeshPassword,
    @Nullable String nodeMeshMaxRestartTime,
    @Nullable String bindMode,
    List<String> ignoredInterfaces,
    @Nullable String localWorkloadPeeringIPV4,
    @Nullable String localWorkloadPeeringIPV6,
    @Nullable String programClusterRoutes,
    @Nullable Integer ipv4NormalRoutePriority,
    @Nullable Integer ipv6NormalRoutePriority) {
  /** One that says nothing. */
  public static final BgpConfigurationSpec EMPTY =
      new BgpConfigurationSpec(
          null, null, null, List.of(), List.of(), List.of(), null, List.of(), List.of(), null, null,
          null, null, List.of(), null, null, null, null, null);

  /** Copies the lists; absent ones become empty. */
  public BgpConfigurationSpec {
    serviceLoadBalancerIPs = Lists.copy(serviceLoadBalancerIPs);
    serviceExternalIPs = Lists.copy(serviceExternalIPs);
    serviceClusterIPs = Lists.copy(serviceClusterIPs);
    communities = Lists.copy(communities);
    prefixAdvertisements = Lists.copy(prefixAdvertisements);
    ignoredInterfaces = Lists.copy(ignoredInterfaces);
  }

  /**
   * A network.
   *
   * @param cidr its text
   */
  public record CidrEntry(@Nullable String cidr) {}

  /**
   * A community with a name.
   *
   * @param name what prefixAdvertisements call it
   * @param value {@code aa:nn} or {@code aa:nn:mm}
   */
  public record NamedCommunity(@Nullable String name, @Nullable String value) {}

  /**
   * The communities of routes into a network.
   *
   * @param cidr the network
   * @param communities values, or names of communities
   */
  public record PrefixAdvertisement(@Nullable String cidr, List<String> communities) {
    /** Copies the list; an absent one becomes empty. */
    public PrefixAdvertisement {
      communities = Lists.copy(communities);
    }
  }
}
