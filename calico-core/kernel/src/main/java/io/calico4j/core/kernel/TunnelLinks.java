package io.calico4j.core.kernel;

import io.calico4j.core.net.Cidr;
import java.util.List;
import java.util.Optional;

/**
 * An rtnetlink socket for the ends of tunnels, bound to one network namespace. Usable from any
 * thread (calls are serialised). Each call waits a bounded time.
 */
public interface TunnelLinks extends AutoCloseable {
  /** Finds a VXLAN device by name; empty when there is none, or a device of another kind. */
  Optional<Vxlan> vxlan(String name) throws KernelException;

  /**
   * Creates a VXLAN device, down. EEXIST when the name or the combination of identifier and port is
   * taken, EOPNOTSUPP when the kernel has no such devices.
   *
   * @param mtu in bytes
   */
  void createVxlan(Vxlan device, int mtu) throws KernelException;

  /**
   * Makes the kernel have {@code tunl0}, IP in IP between any two addresses; one that is there is
   * fine. EOPNOTSUPP when the kernel has no such devices.
   */
  void createIpip() throws KernelException;

  /** Sets a link's MTU, in bytes. */
  void setMtu(int interfaceIndex, int mtu) throws KernelException;

  /** Deletes an address of a link; one that is gone is fine. */
  void deleteAddress(int interfaceIndex, Cidr address) throws KernelException;

  /** Lists the permanent neighbours of an interface, both families. */
  List<Neighbour> neighbours(int interfaceIndex) throws KernelException;

  /** Adds or replaces a permanent neighbour. */
  void replaceNeighbour(Neighbour neighbour) throws KernelException;

  /** Deletes a neighbour; one that is gone is fine. */
  void deleteNeighbour(Neighbour neighbour) throws KernelException;

  /** Lists the permanent entries of a VXLAN device's forwarding database. */
  List<Neighbour> forwarding(int interfaceIndex) throws KernelException;

  /** Adds an entry to a VXLAN device's forwarding database, or replaces that of its MAC address. */
  void replaceForwarding(Neighbour entry) throws KernelException;

  /** Deletes an entry of a VXLAN device's forwarding database; one that is gone is fine. */
  void deleteForwarding(Neighbour entry) throws KernelException;

  @Override
  void close();
}
