package io.calico4j.core.kernel;

import io.calico4j.core.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A network interface.
 *
 * @param index the interface index, at least 1
 * @param name the name
 * @param kind veth, bridge, vxlan …; empty for physical ones
 * @param up whether IFF_UP is set
 * @param mtu in bytes
 * @param mac the hardware address; null when it has none
 * @param group the link group; 0 is the default
 */
public record Link(
    int index,
    String name,
    String kind,
    boolean up,
    int mtu,
    @Nullable MacAddress mac,
    int group) {}
