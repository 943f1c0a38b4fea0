package io.calico4j.core.endpoint;

import io.calico4j.core.model.WorkloadEndpointSpec.NamedPort;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What an orchestrator asks for one interface of one container.
 *
 * @param identity whose interface it is
 * @param labels the endpoint's labels
 * @param annotations the endpoint's annotations, besides those of {@link ContainerTrace}
 * @param profiles the endpoint's profiles, in order
 * @param newProfiles profiles that are created first, unless they are there
 * @param ipv4Count how many IPv4 addresses to choose
 * @param ipv6Count how many IPv6 addresses to choose
 * @param ipv4Pools pools to choose IPv4 from; empty for every usable one
 * @param ipv6Pools pools to choose IPv6 from
 * @param fixed addresses to assign exactly
 * @param held addresses the orchestrator has assigned already; nothing is assigned then
 * @param floating addresses that are translated 1:1 to the first address of their family
 * @param allowedSources networks the container may send from besides its own addresses
 * @param routes networks the container reaches through the gateway; empty for all
 * @param ports named ports
 * @param mac of the container's end
 * @param mtu of the pair, in bytes; 0 for the host's default
 * @param ipForwarding whether the container may forward packets
 * @param runtime the orchestrator that asks, as its {@link ContainerLiveness#runtime} has it; empty
 *     when unknown
 * @param workload what the endpoint's field {@code workload} says; empty for orchestrators that
 *     leave it out, since {@code containerID} says whose endpoint it is
 */
public record AttachRequest(
    EndpointIdentity identity,
    Map<String, String> labels,
    Map<String, String> annotations,
    List<ProfileName> profiles,
    List<ProfileDraft> newProfiles,
    int ipv4Count,
    int ipv6Count,
    List<String> ipv4Pools,
    List<String> ipv6Pools,
    List<IpAddress> fixed,
    List<IpAddress> held,
    List<IpAddress> floating,
    List<Cidr> allowedSources,
    List<Cidr> routes,
    List<NamedPort> ports,
    MacAddress mac,
    int mtu,
    boolean ipForwarding,
    String runtime,
    String workload) {
  /**
   * Copies the collections and checks them: {@link RequestLimits} says how much there may be and
   * which labels are reserved; a floating address needs an address of its family to lead to.
   */
  public AttachRequest {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
    profiles = List.copyOf(profiles);
    newProfiles = List.copyOf(newProfiles);
    ipv4Pools = List.copyOf(ipv4Pools);
    ipv6Pools = List.copyOf(ipv6Pools);
    fixed = List.copyOf(fixed);
    held = List.copyOf(held);
    floating = List.copyOf(floating);
    allowedSources = List.copyOf(allowedSources);
    routes = List.copyOf(routes);
    ports = List.copyOf(ports);
    RequestLimits.requireLabels(labels);
    RequestLimits.requireAnnotations(annotations);
    RequestLimits.requireCount("profiles and groups", profiles.size(), RequestLimits.PROFILES);
    RequestLimits.requireCount(
        "pools", ipv4Pools.size() + ipv6Pools.size(), RequestLimits.NETWORKS);
    RequestLimits.requireCount(
        "addresses",
        ipv4Count + ipv6Count + fixed.size() + held.size() + floating.size(),
        RequestLimits.ADDRESSES);
    RequestLimits.requireCount("source prefixes", allowedSources.size(), RequestLimits.NETWORKS);
    RequestLimits.requireCount("routes", routes.size(), RequestLimits.NETWORKS);
    RequestLimits.requireCount("ports", ports.size(), RequestLimits.PORTS);
    for (IpAddress external : floating) {
      boolean leads =
          (external.isV4() ? ipv4Count : ipv6Count) > 0
              || Stream.concat(fixed.stream(), held.stream())
                  .anyMatch(a -> a.family() == external.family());
      if (!leads) {
        throw new IllegalArgumentException(
            "floating address " + external + " needs an address of its family to lead to");
      }
    }
  }

  /**
   * Returns this request with addresses that another IPAM plugin has assigned, instead of what it
   * asks for.
   *
   * @param addresses the addresses
   * @param destinations what the container reaches through the gateway; empty for all
   * @param more annotations besides those of this request
   */
  public AttachRequest withHeld(
      List<IpAddress> addresses, List<Cidr> destinations, Map<String, String> more) {
    Map<String, String> all = new HashMap<>(annotations);
    all.putAll(more);
    return of(identity)
        .labels(labels)
        .annotations(all)
        .profiles(profiles, newProfiles)
        .held(addresses)
        .floating(floating)
        .allowedSources(allowedSources)
        .routes(destinations)
        .ports(ports)
        .mac(mac)
        .mtu(mtu)
        .ipForwarding(ipForwarding)
        .runtime(runtime)
        .workload(workload)
        .build();
  }

  /** Starts a request that asks for nothing yet; the MAC address is the identity's. */
  public static Builder of(EndpointIdentity identity) {
    return new Builder(identity);
  }

  /** Collects what a request asks for. */
  public static final class Builder {
    private final EndpointIdentity identity;
    private Map<String, String> labels = Map.of();
    private Map<String, String> annotations = Map.of();
    private List<ProfileName> profiles = List.of();
    private List<ProfileDraft> newProfiles = List.of();
    private int ipv4Count;
    private int ipv6Count;
    private List<String> ipv4Pools = List.of();
    private List<String> ipv6Pools = List.of();
    private List<IpAddress> fixed = List.of();
    private List<IpAddress> held = List.of();
    private List<IpAddress> floating = List.of();
    private List<Cidr> allowedSources = List.of();
    private List<Cidr> routes = List.of();
    private List<NamedPort> ports = List.of();
    private MacAddress mac;
    private int mtu;
    private boolean ipForwarding;
    private String runtime = "";
    private String workload = "";

    private Builder(EndpointIdentity identity) {
      this.identity = identity;
      mac = new MacAddress(identity.mac());
    }

    /** Sets the endpoint's labels. */
    public Builder labels(Map<String, String> value) {
      labels = value;
      return this;
    }

    /** Sets further annotations of the endpoint. */
    public Builder annotations(Map<String, String> value) {
      annotations = value;
      return this;
    }

    /** Sets the profiles, and those among them that are created unless they are there. */
    public Builder profiles(List<ProfileName> names, List<ProfileDraft> created) {
      profiles = names;
      newProfiles = created;
      return this;
    }

    /** Asks for so many addresses of each family, from these pools or any usable ones. */
    public Builder choose(int ipv4, List<String> fromIpv4, int ipv6, List<String> fromIpv6) {
      ipv4Count = ipv4;
      ipv4Pools = fromIpv4;
      ipv6Count = ipv6;
      ipv6Pools = fromIpv6;
      return this;
    }

    /** Asks for exactly these addresses. */
    public Builder fixed(List<IpAddress> value) {
      fixed = value;
      return this;
    }

    /** Names addresses that are assigned already. */
    public Builder held(List<IpAddress> value) {
      held = value;
      return this;
    }

    /** Asks for floating addresses. */
    public Builder floating(List<IpAddress> value) {
      floating = value;
      return this;
    }

    /** Lets the container send from these networks too. */
    public Builder allowedSources(List<Cidr> value) {
      allowedSources = value;
      return this;
    }

    /** Sets the container's routes. */
    public Builder routes(List<Cidr> value) {
      routes = value;
      return this;
    }

    /** Sets the named ports. */
    public Builder ports(List<NamedPort> value) {
      ports = value;
      return this;
    }

    /** Sets the container end's MAC address. */
    public Builder mac(MacAddress value) {
      mac = value;
      return this;
    }

    /** Sets the MTU in bytes; 0 for the host's default. */
    public Builder mtu(int value) {
      mtu = value;
      return this;
    }

    /** Lets the container forward packets. */
    public Builder ipForwarding(boolean value) {
      ipForwarding = value;
      return this;
    }

    /** Names the orchestrator. */
    public Builder runtime(String value) {
      runtime = value;
      return this;
    }

    /** Fills the endpoint's field {@code workload}, which is left out otherwise. */
    public Builder workload(String value) {
      workload = value;
      return this;
    }

    /** Finishes the request. */
    public AttachRequest build() {
      return new AttachRequest(
          identity,
          labels,
          annotations,
          profiles,
          newProfiles,
          ipv4Count,
          ipv6Count,
          ipv4Pools,
          ipv6Pools,
          fixed,
          held,
          floating,
          allowedSources,
          routes,
          ports,
          mac,
          mtu,
          ipForwarding,
          runtime,
          workload);
    }
  }
}
