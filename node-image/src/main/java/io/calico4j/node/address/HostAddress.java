package io.calico4j.node.address;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * An address of one of the host's interfaces.
 *
 * @param link the interface's name
 * @param up whether the interface is set up
 * @param address the address
 * @param prefix its prefix length, 0 to 32 or 128
 */
public record HostAddress(String link, boolean up, IpAddress address, int prefix) {
  /** Reads all addresses: by interface, in the order in which the interfaces were made. */
  public static List<HostAddress> read(Netlink netlink) throws KernelException {
    List<Netlink.InterfaceAddress> addresses = netlink.addresses();
    List<HostAddress> found = new ArrayList<>();
    netlink.links().stream()
        .sorted(Comparator.comparingInt(Link::index))
        .forEach(
            link ->
                addresses.stream()
                    .filter(address -> address.interfaceIndex() == link.index())
                    .forEach(
                        address ->
                            found.add(
                                new HostAddress(
                                    link.name(), link.up(), address.address(), address.prefix()))));
    return found;
  }

  /** Returns the address as Node's {@code spec.bgp} has it: with its prefix length. */
  public String text() {
    return address + "/" + prefix;
  }
}
