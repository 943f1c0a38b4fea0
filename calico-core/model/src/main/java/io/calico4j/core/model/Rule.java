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
 * @param http what an HTTP request must be; needs a proxy that this Felix does not have
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
    @Nullable Http http,
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
    return new Rule(action, null, null, null, null, null, null, Peer.ANY, Peer.ANY);
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
   * What an HTTP request must be.
   *
   * @param methods methods, any of which must match
   * @param paths paths, any of which must match
   */
  public record Http(List<String> methods, List<Path> paths) {
    /** Copies the lists; absent ones become empty. */
    public Http {
      methods = Lists.copy(methods);
      paths = Lists.copy(paths);
    }

    /**
     * A path; exactly one of the two is given.
     *
     * @param exact the whole path
     * @param prefix what the path begins with
     */
    public record Path(@Nullable String exact, @Nullable String prefix) {}
  }

  /**
   * Service accounts; what is given must hold.
   *
   * @param names names, any of which must match
   * @param selector labels the service account must have
   */
  public record ServiceAccounts(List<String> names, @Nullable String selector) {
    /** Copies the list; an absent one becomes empty. */
    public ServiceAccounts {
      names = Lists.copy(names);
    }
  }

  /**
   * A Kubernetes service.
   *
   * @param name its name
   * @param namespace its namespace; the policy's when null
   */
  public record Services(@Nullable String name, @Nullable String namespace) {}

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
   * @param serviceAccounts service accounts the peer must run as
   * @param services a Kubernetes service the peer must belong to
   */
  public record Peer(
      List<String> nets,
      List<String> notNets,
      @Nullable String selector,
      @Nullable String notSelector,
      @Nullable String namespaceSelector,
      List<PortMatch> ports,
      List<PortMatch> notPorts,
      @Nullable ServiceAccounts serviceAccounts,
      @Nullable Services services) {
    /** No restriction. */
    public static final Peer ANY =
        new Peer(List.of(), List.of(), null, null, null, List.of(), List.of(), null, null);

    /** Copies the lists; absent ones become empty. */
    public Peer {
      nets = Lists.copy(nets);
      notNets = Lists.copy(notNets);
      ports = Lists.copy(ports);
      notPorts = Lists.copy(notPorts);
    }

    /** Returns a peer that has the labels. */
    public static Peer selected(String selector) {
      return new Peer(List.of(), List.of(), selector, null, null, List.of(), List.of(), null, null);
    }

    /** Returns a peer whose address lies in one of the networks. */
    public static Peer within(List<String> nets) {
      return new Peer(nets, List.of(), null, null, null, List.of(), List.of(), null, null);
    }
  }
}
