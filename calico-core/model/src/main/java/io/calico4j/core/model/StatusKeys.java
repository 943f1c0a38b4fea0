package io.calico4j.core.model;

/**
 * The keys that Felix reports under ({@code libcalico-go/lib/backend/model}). Names inside them are
 * escaped: {@code %} as {@code %25}, then {@code /} as {@code %2f}.
 */
public final class StatusKeys {
  private static final String FELIX = "/calico/felix/v2/no-region/host/";
  private static final String HOST_ENDPOINTS = "/calico/felix/v1/host/";

  private StatusKeys() {}

  /** Returns the key that says Felix is alive; it is bound to a lease. */
  public static String alive(String node) {
    return FELIX + escape(node) + "/status";
  }

  /** Returns the key of Felix's last report, which stays when Felix is gone. */
  public static String lastReported(String node) {
    return FELIX + escape(node) + "/last_reported_status";
  }

  /** Returns the key of a workload endpoint's status. */
  public static String workloadEndpoint(String namespace, WorkloadEndpointName name) {
    return FELIX
        + escape(name.node())
        + "/workload/"
        + escape(name.orchestrator())
        + "/"
        + escape(namespace + "/" + name.workload())
        + "/endpoint/"
        + escape(name.endpoint());
  }

  /** Returns the prefix of the statuses of a node's workload endpoints. */
  public static String workloadEndpoints(String node) {
    return FELIX + escape(node) + "/workload/";
  }

  /** Returns the key of a host endpoint's status; note the version 1 and the missing region. */
  public static String hostEndpoint(String node, String name) {
    return hostEndpoints(node) + escape(name);
  }

  /** Returns the prefix of the statuses of a node's host endpoints. */
  public static String hostEndpoints(String node) {
    return HOST_ENDPOINTS + escape(node) + "/endpoint/";
  }

  /** Escapes a name. */
  public static String escape(String name) {
    return name.replace("%", "%25").replace("/", "%2f");
  }

  /** Reads an escaped name. */
  public static String unescape(String text) {
    return text.replace("%2f", "/").replace("%25", "%");
  }
}
