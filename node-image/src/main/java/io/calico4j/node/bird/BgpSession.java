package io.calico4j.node.bird;

import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A session with a peer.
 *
 * @param name the protocol's name in BIRD
 * @param address the peer's address
 * @param port the peer's TCP port
 * @param asNumber the peer's AS number
 * @param localAsNumber this side's AS number
 * @param role what this node is for the peer
 * @param options what a BGPPeer or the mesh's configuration asks for
 */
record BgpSession(
    String name,
    IpAddress address,
    int port,
    long asNumber,
    long localAsNumber,
    Role role,
    Options options) {
  /**
   * What this node is for the peer.
   *
   * @param passive whether only the peer dials
   * @param reflectorClient whether this node reflects routes to it
   */
  record Role(boolean passive, boolean reflectorClient) {}

  /** Which next hop is told. */
  enum NextHop {
    /** BGP's own rule: an internal peer is told the one that was learnt, others this node. */
    AUTO,
    /** Always this node. */
    SELF,
    /** Always the one that was learnt. */
    KEEP
  }

  /**
   * What a BGPPeer or the mesh's configuration asks for.
   *
   * @param nextHop which next hop is told
   * @param ownSource whether this side's address is the node's
   * @param password null for none
   * @param down whether the session stays down, because its password is not there
   * @param restartSeconds how long routes are kept while a side restarts; empty for bird's 120
   * @param keepaliveSeconds how often both sides say that they live; empty for bird's
   * @param ownAsAllowed how often the own AS may be in a path
   * @param hops how far away the peer may be at most; 0 does not matter
   * @param filters names of BGPFilters, in order; only of those that are there
   */
  record Options(
      NextHop nextHop,
      boolean ownSource,
      @Nullable Password password,
      boolean down,
      OptionalInt restartSeconds,
      OptionalInt keepaliveSeconds,
      int ownAsAllowed,
      int hops,
      List<String> filters) {
    /** What a session has of which nothing else is said. */
    static final Options PLAIN =
        new Options(
            NextHop.AUTO,
            true,
            null,
            false,
            OptionalInt.empty(),
            OptionalInt.empty(),
            0,
            0,
            List.of());

    Options {
      filters = List.copyOf(filters);
    }
  }

  /** Tells whether the peer is in another AS. */
  boolean isExternal() {
    return asNumber != localAsNumber;
  }
}
