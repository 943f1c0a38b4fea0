package io.calico4j.felix.config;

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
}
