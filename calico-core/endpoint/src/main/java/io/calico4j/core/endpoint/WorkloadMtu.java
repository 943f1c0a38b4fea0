package io.calico4j.core.endpoint;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.net.IpFamily;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The MTU of workloads: what the host's uplink carries, less the header of the encapsulation that a
 * pool may ask for. It is the same for all workloads, because each may talk to each.
 */
public final class WorkloadMtu {
  /** Ethernet's, for when the uplink is not known. */
  public static final int DEFAULT = 1500;

  private static final int IPIP_HEADER = 20;
  private static final int VXLAN_HEADER = 50;
  private static final int VXLAN_V6_HEADER = 70;
  private static final int IPV6_MINIMUM = 1280;

  private WorkloadMtu() {}

  /**
   * Returns the MTU, in bytes; at least what IPv6 demands (RFC 8200), if the uplink carries that.
   *
   * @param uplink the MTU of the interface that carries traffic between hosts
   * @param pools all pools
   */
  public static int of(int uplink, List<IpPoolSpec> pools) {
    int header = 0;
    for (IpPoolSpec pool : pools) {
      boolean v6 = pool.network().family() == IpFamily.IPV6;
      if (isOn(pool.vxlanMode())) {
        header = Math.max(header, v6 ? VXLAN_V6_HEADER : VXLAN_HEADER);
      }
      if (isOn(pool.ipipMode())) {
        header = Math.max(header, IPIP_HEADER);
      }
    }
    return Math.max(uplink - header, Math.min(uplink, IPV6_MINIMUM));
  }

  private static boolean isOn(@Nullable String mode) {
    return mode != null && !mode.isEmpty() && !mode.equals("Never");
  }
}
