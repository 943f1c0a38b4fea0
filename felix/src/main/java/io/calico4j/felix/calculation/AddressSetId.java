package io.calico4j.felix.calculation;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.selector.Selector;
import java.util.List;
import java.util.Set;

/**
 * What an address set holds, which is also its identity: rules that ask for the same share one set.
 */
public sealed interface AddressSetId {

  /**
   * The networks of every endpoint and network set of the cluster that a selector selects; single
   * addresses are networks of full length.
   */
  record Selected(Selector selector) implements AddressSetId {}

  /**
   * The addresses and port numbers of every selected endpoint's ports with one of these names.
   *
   * @param names the ports' names, at least one
   * @param protocol TCP, UDP or SCTP: a port of another protocol is none of them
   */
  record NamedPorts(Selector selector, Set<String> names, Protocol protocol)
      implements AddressSetId {}

  /**
   * The networks of one family that a rule lists.
   *
   * @param networks two or more; they may overlap
   */
  record Networks(List<Cidr> networks) implements AddressSetId {}
}
