package io.calico4j.felix.calculation;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * What changes in what this node must enforce. Updates come in an order in which each one only
 * leads to what came before it: address sets, rules, endpoints; then removals the other way round.
 */
public sealed interface DataplaneUpdate {

  /**
   * An address set is new, or its members change.
   *
   * @param added members that were not there
   * @param removed members that were there
   * @param incomplete whether a damaged network set may belong to it, so that members may be
   *     missing
   */
  record AddressSetUpdate(
      AddressSetId id, List<Member> added, List<Member> removed, boolean incomplete)
      implements DataplaneUpdate {}

  /** No rule asks for an address set any more. */
  record AddressSetRemoved(AddressSetId id) implements DataplaneUpdate {}

  /**
   * A policy or a profile that applies to an endpoint of this node is new or has changed.
   *
   * @param key the key of the policy or profile in the datastore
   * @param owner the policy or profile
   * @param ingress the rules for packets to the endpoint
   * @param egress the rules for packets from it
   * @param asked the address sets that the rules ask for
   */
  record RulesUpdate(
      String key, Resource<?> owner, List<Rule> ingress, List<Rule> egress, Set<AddressSetId> asked)
      implements DataplaneUpdate {}

  /** A policy or a profile applies to no endpoint of this node any more. */
  record RulesRemoved(String key) implements DataplaneUpdate {}

  /**
   * An endpoint of this node is new or has changed, or what applies to it has.
   *
   * @param key its key in the datastore
   * @param ingress what applies to packets to it
   * @param egress what applies to packets from it
   * @param floating its floating addresses that are put in force
   */
  record EndpointUpdate(
      String key,
      WorkloadEndpointSpec endpoint,
      AppliedRules ingress,
      AppliedRules egress,
      List<IpNat> floating)
      implements DataplaneUpdate {}

  /** An endpoint is not on this node any more. */
  record EndpointRemoved(String key) implements DataplaneUpdate {}

  /**
   * A host endpoint of this node is in force or has changed, or its interfaces, or what applies to
   * it.
   *
   * @param key its key in the datastore
   * @param interfaces the names of its interfaces, at least one; {@code *} is all that have no
   *     endpoint of their own
   * @param normal what applies to what the host itself receives and sends
   * @param forward what applies to what comes in or goes out there and is not the host's own; no
   *     tier leaves it alone
   * @param untracked what applies before connection tracking; without profiles
   * @param preDnat what applies to what comes in before its destination is translated; without
   *     profiles
   */
  record HostEndpointUpdate(
      String key,
      SortedSet<String> interfaces,
      BothWays normal,
      BothWays forward,
      BothWays untracked,
      AppliedRules preDnat)
      implements DataplaneUpdate {}

  /** A host endpoint is not in force on this node any more. */
  record HostEndpointRemoved(String key) implements DataplaneUpdate {}

  /**
   * What applies in each direction.
   *
   * @param ingress to packets that come in
   * @param egress to packets that go out
   */
  record BothWays(AppliedRules ingress, AppliedRules egress) {}

  /**
   * The pools are other ones.
   *
   * @param masqueraded networks of those with {@code natOutgoing}
   * @param all networks of all of them, disabled ones too
   */
  record PoolsUpdate(Set<Cidr> masqueraded, Set<Cidr> all) implements DataplaneUpdate {}

  /**
   * The nodes' own addresses change.
   *
   * @param added addresses that no node had
   * @param removed addresses that no node has any more
   */
  record HostAddressesUpdate(List<IpAddress> added, List<IpAddress> removed)
      implements DataplaneUpdate {}

  /**
   * This node's end of a tunnel is needed, or has changed.
   *
   * @param host this node's address, the source of the outer packets
   * @param address the address of the tunnel's device
   * @param mac the device's MAC address; empty for IP in IP
   */
  record LocalTunnelUpdate(
      Tunnel tunnel, IpAddress host, IpAddress address, Optional<MacAddress> mac)
      implements DataplaneUpdate {}

  /** A tunnel is not needed any more, or this node has no address for it. */
  record LocalTunnelRemoved(Tunnel tunnel) implements DataplaneUpdate {}

  /**
   * Another node's end of a VXLAN tunnel is new or has changed.
   *
   * @param node the node's name
   * @param address the address of its device
   * @param mac the device's MAC address
   * @param host where the outer packets go
   */
  record VtepUpdate(String node, Tunnel tunnel, IpAddress address, MacAddress mac, IpAddress host)
      implements DataplaneUpdate {}

  /** Another node has no end of a VXLAN tunnel any more. */
  record VtepRemoved(String node, Tunnel tunnel) implements DataplaneUpdate {}

  /** A route to a block or a single address is new or has changed. */
  record RouteUpdate(ClusterRoute route) implements DataplaneUpdate {}

  /** There is no route to a destination any more. */
  record RouteRemoved(Cidr destination) implements DataplaneUpdate {}

  /**
   * What applies to the packets of an endpoint in one direction, in the order of evaluation.
   *
   * @param closed whether a damaged policy closes it, whatever else applies
   * @param tiers those that have something to say
   * @param profiles keys of the profiles, as far as the first one that is missing
   * @param profileMissing whether a profile is missing after them, which closes the endpoint there
   */
  record AppliedRules(
      boolean closed, List<AppliedTier> tiers, List<String> profiles, boolean profileMissing) {}

  /**
   * A tier with the policies of one direction that apply to an endpoint.
   *
   * @param name the tier's name
   * @param passAtEnd whether a packet no policy decided goes on, instead of being dropped
   * @param policies keys of the policies in order, at least one
   */
  record AppliedTier(String name, boolean passAtEnd, List<String> policies) {}
}
