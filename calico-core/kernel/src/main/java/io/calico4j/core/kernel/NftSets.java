package io.calico4j.core.kernel;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.List;

/**
 * A NETLINK_NETFILTER socket that changes elements of nftables' sets and verdict maps in tables of
 * the family inet, without reading anything first. Usable from any thread; each call waits a
 * bounded time.
 */
public interface NftSets extends AutoCloseable {
  /** An element of a set or map. */
  sealed interface Element permits Address, Network, Port, Verdict {
    /** Returns the name of the set or map it belongs to. */
    String set();
  }

  /**
   * An address in a set, of the type {@code ipv4_addr} or {@code ipv6_addr}.
   *
   * @param set the set's name
   * @param address of the set's family
   */
  record Address(String set, IpAddress address) implements Element {}

  /**
   * A network in a set of intervals, of the type {@code ipv4_addr . nf_proto} or {@code ipv6_addr .
   * nf_proto}; the second field is the network's own family.
   *
   * @param set the set's name
   * @param network of the set's family; overlaps no other member
   */
  record Network(String set, Cidr network) implements Element {}

  /**
   * An address with a port in a set, of the type {@code ipv4_addr . inet_proto . inet_service} or
   * {@code ipv6_addr . inet_proto . inet_service}.
   *
   * @param set the set's name
   * @param address of the set's family
   * @param protocol the number of the protocol, 1 to 255
   * @param port 1 to 65535
   */
  record Port(String set, IpAddress address, int protocol, int port) implements Element {}

  /**
   * An interface in a map, of the type {@code ifname : verdict}: its packets go to the chain.
   *
   * @param set the map's name
   * @param interfaceName the interface, at most 15 bytes
   * @param chain the chain's name
   */
  record Verdict(String set, String interfaceName, String chain) implements Element {}

  /**
   * Removes elements, then adds others, in one transaction; ENOENT when one to be removed, a set or
   * a chain is not there, EEXIST when an interface has another chain already.
   */
  void change(String table, List<Element> removed, List<Element> added) throws KernelException;

  @Override
  void close();
}
