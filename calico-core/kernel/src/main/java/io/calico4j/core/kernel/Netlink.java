package io.calico4j.core.kernel;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * An rtnetlink socket bound to one network namespace, usable from any thread (calls are
 * serialised). Each call waits a bounded time.
 */
public interface Netlink extends AutoCloseable {
  /** Finds a link's index by its name; much faster than {@link #link}. */
  OptionalInt index(String name) throws KernelException;

  /** Finds a link by name. */
  Optional<Link> link(String name) throws KernelException;

  /** Lists every link. */
  List<Link> links() throws KernelException;

  /** Creates a veth pair; EEXIST when either name is taken. */
  void createVeth(VethPair pair) throws KernelException;

  /** Sets a link up or down. */
  void setUp(int interfaceIndex, boolean up) throws KernelException;

  /** Moves a link to a group, for {@link #deleteGroup}. */
  void setGroup(int interfaceIndex, int group) throws KernelException;

  /** Deletes a link; its peer goes with it. ENODEV when it is gone. */
  void deleteLink(int interfaceIndex) throws KernelException;

  /** Deletes every link of a group in one request; an empty group is fine. */
  void deleteGroup(int group) throws KernelException;

  /** Adds an address; EEXIST when it is there. */
  void addAddress(int interfaceIndex, Cidr address) throws KernelException;

  /** Lists the addresses of a link, with their prefix lengths. */
  List<InterfaceAddress> addresses() throws KernelException;

  /** Adds a route, or replaces the one with the same destination and metric. */
  void replaceRoute(Route route) throws KernelException;

  /** Adds or replaces a route of another table than the main one. */
  void replaceRoute(Route route, int table) throws KernelException;

  /** Routes what is sent from an address by a table; a rule that is there is fine. */
  void addSourceRule(IpAddress source, int table) throws KernelException;

  /** Adds a route; EEXIST when there is one with the same destination and metric. */
  void addRoute(Route route) throws KernelException;

  /** Deletes a route; ESRCH when it is gone. */
  void deleteRoute(Route route) throws KernelException;

  /** Lists the main table's unicast and blackhole routes, both families. */
  List<Route> routes() throws KernelException;

  /** Adds or replaces a permanent neighbour entry. */
  void replaceNeighbour(int interfaceIndex, IpAddress address, MacAddress mac)
      throws KernelException;

  /**
   * Makes several changes in one exchange with the kernel. All are tried, in their order, and the
   * first error is thrown then.
   */
  void together(Changes changes) throws KernelException;

  /** Changes that do not depend on each other's outcome. */
  interface Changes {
    /** Calls methods that change something; those of a question must not be called. */
    void make(Netlink collector) throws KernelException;
  }

  @Override
  void close();

  /**
   * An address of an interface.
   *
   * @param interfaceIndex the interface
   * @param address the address itself
   * @param prefix its prefix length
   */
  record InterfaceAddress(int interfaceIndex, IpAddress address, int prefix) {}
}
