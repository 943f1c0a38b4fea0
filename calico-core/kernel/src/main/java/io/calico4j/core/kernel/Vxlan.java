package io.calico4j.core.kernel;

import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A VXLAN device that learns no addresses.
 *
 * @param name the interface's name
 * @param id the network identifier (VNI), 0 to 16,777,215
 * @param parent the index of the interface that carries the outer packets; 0 leaves it to routes
 * @param local the source address of the outer packets
 * @param port the UDP port, 1 to 65535
 * @param mac the device's own address; null where the kernel says none
 */
public record Vxlan(
    String name, int id, int parent, IpAddress local, int port, @Nullable MacAddress mac) {}
