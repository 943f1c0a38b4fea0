package io.calico4j.libnetwork;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;

/** The veth pairs of endpoints, in the kernel. Every operation may be repeated. */
interface Pairs {
  /** Makes a pair that lets nothing through yet; one that is there is shut. */
  void make(EndpointId id, MacAddress mac, int mtu, boolean ipv6) throws KernelException;

  /** Tells whether the pair is there and shut. */
  boolean isShut(EndpointId id) throws KernelException;

  /** Lets a pair's traffic through, and routes the addresses to it. ENODEV when it is not there. */
  void open(EndpointId id, List<IpAddress> addresses, Gateways gateways) throws KernelException;

  /** Removes a pair, with its routes; one that is gone is fine. */
  void remove(EndpointId id) throws KernelException;

  /** Tells whether Docker has moved the pair's other end into a network namespace that lives. */
  boolean isInContainer(EndpointId id) throws KernelException;
}
