package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.ValueType;
import java.util.List;

/**
 * What is done to packets of workloads before policy is asked.
 *
 * @param vxlanPort the UDP port of VXLAN, 1 to 65535
 * @param allowVxlan whether a workload may send to that port
 * @param allowIpip whether a workload may send IP in IP
 * @param dropInvalid whether packets that belong to no connection and begin none are dropped
 */
public record WorkloadChecks(
    int vxlanPort, boolean allowVxlan, boolean allowIpip, boolean dropInvalid) {
  private static final int VXLAN = 4789;

  /** Upstream's. */
  public static final WorkloadChecks DEFAULTS = new WorkloadChecks(VXLAN, false, false, true);

  private static final Parameter<Boolean> ALLOW_VXLAN =
      Parameter.of(
          "AllowVXLANPacketsFromWorkloads",
          "allowVXLANPacketsFromWorkloads",
          ValueType.flag(),
          false,
          "false",
          "workloads may send to the VXLAN port, as far as policy allows");

  private static final Parameter<Boolean> ALLOW_IPIP =
      Parameter.of(
          "AllowIPIPPacketsFromWorkloads",
          "allowIPIPPacketsFromWorkloads",
          ValueType.flag(),
          false,
          "false",
          "workloads may send IP in IP, as far as policy allows");

  private static final Parameter<Boolean> NO_INVALID_CHECK =
      Parameter.of(
          "DisableConntrackInvalidCheck",
          "disableConntrackInvalidCheck",
          ValueType.flag(),
          false,
          "false",
          "packets that conntrack calls invalid are left to policy instead of being dropped");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS = List.of(ALLOW_VXLAN, ALLOW_IPIP, NO_INVALID_CHECK);

  /** Resolves the parameters of this group. */
  static WorkloadChecks resolve(List<FelixSource> sources) {
    return new WorkloadChecks(
        TunnelParameters.vxlanPort(sources),
        ALLOW_VXLAN.find(sources),
        ALLOW_IPIP.find(sources),
        !NO_INVALID_CHECK.find(sources));
  }
}
