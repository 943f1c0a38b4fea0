package io.calico4j.node.bird;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.List;

/**
 * What BIRD's configuration depends on.
 *
 * @param address this node's IPv4 address, also the router id
 * @param asNumber this node's AS number
 * @param clusterId route reflector cluster id; empty when it is none
 * @param listenPort BGP's TCP port
 * @param blocks this node's confirmed IPv4 blocks, ascending
 * @param pools IPv4 pools whose routes are announced, ascending
 * @param hiddenPools pools with disableBGPExport, ascending
 * @param tunnelPools pools with encapsulation, ascending: Felix programs their routes
 * @param peers sessions, ascending by name
 */
record BgpView(
    IpAddress address,
    long asNumber,
    String clusterId,
    int listenPort,
    List<Cidr> blocks,
    List<Cidr> pools,
    List<Cidr> hiddenPools,
    List<Cidr> tunnelPools,
    List<Peer> peers) {
  BgpView {
    blocks = blocks.stream().sorted().toList();
    pools = pools.stream().sorted().toList();
    hiddenPools = hiddenPools.stream().sorted().toList();
    tunnelPools = tunnelPools.stream().sorted().toList();
    peers = peers.stream().sorted(java.util.Comparator.comparing(BgpView.Peer::name)).toList();
  }

  /**
   * A session.
   *
   * @param name the protocol's name in BIRD
   * @param address the peer's address
   * @param port the peer's TCP port
   * @param asNumber the peer's AS number
   * @param passive whether only the peer dials
   * @param reflectorClient whether this node reflects routes to it
   */
  record Peer(
      String name,
      IpAddress address,
      int port,
      long asNumber,
      boolean passive,
      boolean reflectorClient) {}
}
