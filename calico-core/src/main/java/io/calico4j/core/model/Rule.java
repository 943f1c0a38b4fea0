package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rule of a policy or profile. Everything given must hold; lists are alternatives; not-lists
 * exclude each member; an empty rule matches everything.
 *
 * @param action what happens to a packet that matches
 * @param ipVersion 4, 6 or null for both
 * @param protocol the protocol that must match
 * @param notProtocol the protocol that must not
 * @param icmp the ICMP type and code that must match
 * @param notICMP the ICMP type and code that must not
 * @param source what the sender must be
 * @param destination what the receiver must be
 */
public record Rule(
    Action action,
    @Nullable Integer ipVersion,
    @Nullable Protocol protocol,
    @Nullable Protocol notProtocol,
    @Nullable Icmp icmp,
    @Nullable Icmp notICMP,
    Peer source,
    Peer destination) {
  /** Absent peers become unrestricted. */
  @SuppressWarnings("NullAway")
  public Rule {
    source = source == null ? Peer.ANY : source;
    destination = destination == null ? Peer.ANY : destination;
  }

  /** Makes a rule that does the action to every packet. */
  public static Rule always(Action action) {
    return new Rule(action, null, null, null, null, null, Peer.ANY, Peer.ANY);
  }

  /** What a rule does. */
  public enum Action {
    /** Accepts the packet for this direction. */
    Allow,
    /** Drops the packet. */
    Deny,
    /** Logs and goes on with the next rule. */
    Log,
    /** Leaves the tier and goes on with the next one, or the profiles. */
    Pass
  }

  /**
   * ICMP type and code.
   *
   * @param type 0 to 254, or null
   * @param code 0 to 255, or null; only with a type
   */
  public record Icmp(@Nullable Integer type, @Nullable Integer code) {}

  /**
   * One side of a rule.
   *
   * @param nets CIDRs, any of which must hold the address
   * @param notNets CIDRs, none of which may hold it
   * @param selector labels the peer must have
   * @param notSelector labels the peer must not have
   * @param namespaceSelector labels of the peer's namespace
   * @param ports ports, any of which must match
   * @param notPorts ports, none of which may match
   */
  public record Peer(
      List<String> nets,
      List<String> notNets,
      @Nullable String selector,
      @Nullable String notSelector,
      @Nullable String namespaceSelector,
      List<PortMatch> ports,
      List<PortMatch> notPorts) {
    /** No restriction. */
    public static final Peer ANY =
        new Peer(List.of(), List.of(), null, null, null, List.of(), List.of());

    /** Copies the lists; absent ones become empty. */
    public Peer {
      nets = Lists.copy(nets);
      notNets = Lists.copy(notNets);
      ports = Lists.copy(ports);
      notPorts = Lists.copy(notPorts);
    }
  }
}
