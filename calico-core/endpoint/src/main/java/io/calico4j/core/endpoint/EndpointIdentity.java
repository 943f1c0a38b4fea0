package io.calico4j.core.endpoint;

import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Identifies an endpoint, and derives from it every name that must be found again at DEL. The
 * resource's name follows upstream's {@code libcalico-go/lib/names}: {@code
 * NODE-ORCHESTRATOR-WORKLOAD-ENDPOINT}, dashes doubled within the parts.
 */
public final class EndpointIdentity {
  private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
  private static final Pattern INTERFACE = Pattern.compile("[!-~]*");

  private final String network;
  private final NodeName node;
  private final String namespace;
  private final String orchestrator;
  private final String workload;
  private final InterfaceName interfaceName;
  private final InterfaceName hostInterface;
  private final ResourceKey key;

  /**
   * Makes one; checks that each part can be part of a resource's name, a handle and an interface.
   *
   * @param network the network's name
   * @param node the node
   * @param namespace the endpoint's namespace
   * @param orchestrator the word for the orchestrator in the endpoint's name
   * @param workload the container id
   * @param interfaceName the interface's name inside the sandbox
   */
  public EndpointIdentity(
      String network,
      NodeName node,
      String namespace,
      String orchestrator,
      String workload,
      InterfaceName interfaceName) {
    part("network name", network, 253);
    part("namespace", namespace, 63);
    part("container id", workload, 253);
    if (workload.endsWith("-") || interfaceName.text().endsWith("-")) {
      throw new IllegalArgumentException(
          "\""
              + workload
              + "\" and \""
              + interfaceName
              + "\" must not end with a dash: they are parts of the endpoint's name");
    }
    if (interfaceName.text().startsWith("-")
        || !INTERFACE.matcher(interfaceName.text()).matches()) {
      throw new IllegalArgumentException(
          "interface name \""
              + interfaceName
              + "\" must be 1 to 15 printable ASCII characters without slash, colon or blank");
    }
    this.network = network;
    this.node = node;
    this.namespace = namespace;
    this.orchestrator = orchestrator;
    this.workload = workload;
    this.interfaceName = interfaceName;
    hostInterface = new InterfaceName("cali" + digest("host").substring(0, 11));
    key =
        new ResourceKey(
            ResourceKind.WORKLOAD_ENDPOINT,
            namespace,
            new WorkloadEndpointName(node.text(), orchestrator, workload, interfaceName.text())
                .toString());
  }

  /** Returns the network's name. */
  public String network() {
    return network;
  }

  /** Returns the node. */
  public NodeName node() {
    return node;
  }

  /** Returns the endpoint's namespace. */
  public String namespace() {
    return namespace;
  }

  /** Returns the word for the orchestrator in the endpoint's name. */
  public String orchestrator() {
    return orchestrator;
  }

  /** Returns the container id. */
  public String workload() {
    return workload;
  }

  /** Returns the interface's name inside the sandbox. */
  public InterfaceName interfaceName() {
    return interfaceName;
  }

  private static void part(String what, String value, int limit) {
    if (value.length() > limit || !PART.matcher(value).matches()) {
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
    return key;
  }

  /** Returns the IPAM handle, {@code NETWORK.CONTAINER} as upstream names it. */
  public HandleId handleId() {
    return new HandleId(network + "." + workload);
  }

  /**
   * Returns the host end's name: {@code cali} and eleven hex digits of a SHA-1 over network,
   * container and interface, so that no two interfaces of a host share it.
   */
  public InterfaceName hostInterface() {
    return hostInterface;
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
    String text = purpose + "\0" + network + "\0" + workload + "\0" + interfaceName;
    try {
      byte[] sha = MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sha);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-1", e);
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof EndpointIdentity identity
        && key.equals(identity.key)
        && network.equals(identity.network);
  }

  @Override
  public int hashCode() {
    return key.hashCode();
  }

  /** Prints what an operator searches the log for. */
  @Override
  public String toString() {
    return interfaceName + " of " + workload + " in network " + network;
  }
}
