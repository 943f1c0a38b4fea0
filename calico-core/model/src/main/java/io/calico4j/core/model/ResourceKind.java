package io.calico4j.core.model;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A kind of Calico v3 resource.
 *
 * @param <S> the spec's record type
 * @param kind the name in {@code kind}
 * @param plural the lower-case plural in keys
 * @param namespaced whether keys and metadata carry a namespace
 * @param specType the spec's record type
 */
public record ResourceKind<S>(String kind, String plural, boolean namespaced, Class<S> specType) {
  /** Where every v3 resource lives in etcd. */
  public static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  /** IPPool. */
  public static final ResourceKind<IpPoolSpec> IP_POOL =
      new ResourceKind<>("IPPool", "ippools", false, IpPoolSpec.class);

  /** IPReservation. */
  public static final ResourceKind<IpReservationSpec> IP_RESERVATION =
      new ResourceKind<>("IPReservation", "ipreservations", false, IpReservationSpec.class);

  /** HostEndpoint. */
  public static final ResourceKind<HostEndpointSpec> HOST_ENDPOINT =
      new ResourceKind<>("HostEndpoint", "hostendpoints", false, HostEndpointSpec.class);

  /** WorkloadEndpoint. */
  public static final ResourceKind<WorkloadEndpointSpec> WORKLOAD_ENDPOINT =
      new ResourceKind<>("WorkloadEndpoint", "workloadendpoints", true, WorkloadEndpointSpec.class);

  /** Node. */
  public static final ResourceKind<NodeSpec> NODE =
      new ResourceKind<>("Node", "nodes", false, NodeSpec.class);

  /** Profile. */
  public static final ResourceKind<ProfileSpec> PROFILE =
      new ResourceKind<>("Profile", "profiles", false, ProfileSpec.class);

  /** NetworkPolicy. */
  public static final ResourceKind<PolicySpec> NETWORK_POLICY =
      new ResourceKind<>("NetworkPolicy", "networkpolicies", true, PolicySpec.class);

  /** GlobalNetworkPolicy. */
  public static final ResourceKind<PolicySpec> GLOBAL_NETWORK_POLICY =
      new ResourceKind<>("GlobalNetworkPolicy", "globalnetworkpolicies", false, PolicySpec.class);

  /** BGPPeer. */
  public static final ResourceKind<BgpPeerSpec> BGP_PEER =
      new ResourceKind<>("BGPPeer", "bgppeers", false, BgpPeerSpec.class);

  /** BGPFilter. */
  public static final ResourceKind<BgpFilterSpec> BGP_FILTER =
      new ResourceKind<>("BGPFilter", "bgpfilters", false, BgpFilterSpec.class);

  /** BGPConfiguration. */
  public static final ResourceKind<BgpConfigurationSpec> BGP_CONFIGURATION =
      new ResourceKind<>(
          "BGPConfiguration", "bgpconfigurations", false, BgpConfigurationSpec.class);

  /** FelixConfiguration. */
  public static final ResourceKind<FelixConfigurationSpec> FELIX_CONFIGURATION =
      new ResourceKind<>(
          "FelixConfiguration", "felixconfigurations", false, FelixConfigurationSpec.class);

  /** ClusterInformation. */
  public static final ResourceKind<ClusterInformationSpec> CLUSTER_INFORMATION =
      new ResourceKind<>(
          "ClusterInformation", "clusterinformations", false, ClusterInformationSpec.class);

  /** Tier. */
  public static final ResourceKind<TierSpec> TIER =
      new ResourceKind<>("Tier", "tiers", false, TierSpec.class);

  /** NetworkSet. */
  public static final ResourceKind<NetworkSetSpec> NETWORK_SET =
      new ResourceKind<>("NetworkSet", "networksets", true, NetworkSetSpec.class);

  /** GlobalNetworkSet. */
  public static final ResourceKind<NetworkSetSpec> GLOBAL_NETWORK_SET =
      new ResourceKind<>("GlobalNetworkSet", "globalnetworksets", false, NetworkSetSpec.class);

  private static final List<ResourceKind<?>> ALL =
      List.of(
          BGP_CONFIGURATION,
          BGP_FILTER,
          BGP_PEER,
          CLUSTER_INFORMATION,
          FELIX_CONFIGURATION,
          GLOBAL_NETWORK_POLICY,
          GLOBAL_NETWORK_SET,
          HOST_ENDPOINT,
          IP_POOL,
          IP_RESERVATION,
          NETWORK_POLICY,
          NETWORK_SET,
          NODE,
          PROFILE,
          TIER,
          WORKLOAD_ENDPOINT);

  /** Returns every kind, by name. */
  public static List<ResourceKind<?>> all() {
    return ALL;
  }

  /** Finds a kind by its name or plural, in any case; {@code ippool} and {@code ippools} work. */
  public static Optional<ResourceKind<?>> find(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    return ALL.stream()
        .filter(k -> k.plural.equals(wanted) || k.kind.toLowerCase(Locale.ROOT).equals(wanted))
        .findFirst();
  }

  /** Returns the prefix of every key of this kind, with its final slash. */
  public String prefix() {
    return ROOT + plural + "/";
  }
}
