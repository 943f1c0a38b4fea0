package io.calico4j.core.endpoint;

import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Identifies an endpoint, and derives from it every name that must be found again at DEL. The
 * resource's name follows upstream's {@code libcalico-go/lib/names}: {@code
 * NODE-ORCHESTRATOR-WORKLOAD-ENDPOINT}, dashes doubled within the parts.
 *
 * @param network the network's name
 * @param node the node
 * @param namespace the endpoint's namespace
 * @param orchestrator cni, mesos or k8s
 * @param workload the container id
 * @param interfaceName the interface's name inside the sandbox
 */
public record EndpointIdentity(
    String network,
    String node,
    String namespace,
    String orchestrator,
    String workload,
    String interfaceName) {

  /** Checks that each part can be part of a resource's name, a handle and an interface. */
  public EndpointIdentity {
    part("network name", network, 253);
    part("node name", node, 253);
    part("namespace", namespace, 63);
    part("container id", workload, 253);
    if (workload.endsWith("-") || node.endsWith("-") || interfaceName.endsWith("-")) {
      throw new IllegalArgumentException(
          "\""
              + node
              + "\", \""
              + workload
              + "\" and \""
              + interfaceName
              + "\" must not end with a dash: they are parts of the endpoint's name");
    }
    if (interfaceName.startsWith("-")
        || !interfaceName.matches("[^/:\\s]{1,15}")
        || interfaceName.equals(".")
        || interfaceName.equals("..")) {
      throw new IllegalArgumentException(
          "interface name \""
              + interfaceName
              + "\" must be 1 to 15 characters without slash, colon or blank");
    }
  }

  private static void part(String what, String value, int limit) {
    if (value.length() > limit || !value.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
      throw new IllegalArgumentException(
          what
              + " \""
              + (value.length() > 64 ? value.substring(0, 64) + "…" : value)
              + "\" must be 1 to "
              + limit
              + " letters, digits or _.- and begin with a letter or digit");
    }
  }

  /** Returns the WorkloadEndpoint's key. */
  public ResourceKey key() {
    return new ResourceKey(
        ResourceKind.WORKLOAD_ENDPOINT,
        namespace,
        new WorkloadEndpointName(node, orchestrator, workload, interfaceName).toString());
  }

  /** Returns the IPAM handle, {@code NETWORK.CONTAINER} as upstream names it. */
  public String handleId() {
    return network + "." + workload;
  }

  /**
   * Returns the host end's name: {@code cali} and eleven hex digits of a SHA-1 over network,
   * container and interface, so that no two interfaces of a host share it.
   */
  public String hostInterface() {
    return "cali" + digest("host").substring(0, 11);
  }

  /** Returns a locally administered MAC address for the container end, stable over repeats. */
  public String mac() {
    String hex = digest("mac");
    StringBuilder text = new StringBuilder("ca");
    for (int i = 0; i < 5; i++) {
      text.append(':').append(hex, 2 * i, 2 * i + 2);
    }
    return text.toString();
  }

  private String digest(String purpose) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-1");
      String text = purpose + "\0" + network + "\0" + workload + "\0" + interfaceName;
      return HexFormat.of().formatHex(sha.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-1", e);
    }
  }

  /** Prints what an operator searches the log for. */
  @Override
  public String toString() {
    return interfaceName + " of " + workload + " in network " + network;
  }
}
