package io.calico4j.felix.calculation;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;

/** A member of an address set. */
public sealed interface Member {

  /** A network; a single address is one of full length. */
  record Network(Cidr cidr) implements Member {}

  /**
   * A port of an endpoint.
   *
   * @param port 1 to 65535
   */
  record Port(IpAddress address, Protocol protocol, int port) implements Member {}
}
