package io.calico4j.felix.calculation;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.net.IpFamily;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tunnels between nodes. */
public enum Tunnel {
  /** VXLAN that carries IPv4 between IPv4 addresses. */
  VXLAN(IpFamily.IPV4, "vxlan.calico"),
  /** VXLAN that carries IPv6 between IPv6 addresses. */
  VXLAN_V6(IpFamily.IPV6, "vxlan-v6.calico"),
  /** IP in IP: IPv4 only. */
  IPIP(IpFamily.IPV4, "tunl0");

  private static final String CROSS_SUBNET = "CrossSubnet";

  private final IpFamily family;
  private final String device;

  Tunnel(IpFamily family, String device) {
    this.family = family;
    this.device = device;
  }

  /** Returns the name of the interface. */
  public String device() {
    return device;
  }

  /** Returns the family of what it carries, and of what carries it. */
  public IpFamily family() {
    return family;
  }

  /** Returns the tunnel that a pool's addresses are reached through; empty without one. */
  static Optional<Tunnel> of(IpPoolSpec pool) {
    if (isOn(pool.vxlanMode())) {
      return Optional.of(pool.network().family() == IpFamily.IPV4 ? VXLAN : VXLAN_V6);
    }
    return isOn(pool.ipipMode()) && pool.network().family() == IpFamily.IPV4
        ? Optional.of(IPIP)
        : Optional.empty();
  }

  /** Tells whether the pool's addresses are reached without the tunnel within a subnet. */
  static boolean isCrossSubnet(IpPoolSpec pool) {
    return CROSS_SUBNET.equals(isOn(pool.vxlanMode()) ? pool.vxlanMode() : pool.ipipMode());
  }

  private static boolean isOn(@Nullable String mode) {
    return mode != null && !mode.isEmpty() && !mode.equals("Never");
  }
}
