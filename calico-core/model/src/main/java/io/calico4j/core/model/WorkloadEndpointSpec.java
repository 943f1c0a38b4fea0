package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a WorkloadEndpoint: one interface of a container or pod.
 *
 * @param orchestrator k8s, cni, libnetwork or mesos
 * @param node the node it runs on
 * @param workload the workload id, for orchestrators other than cni, k8s and libnetwork
 * @param pod the pod, for k8s
 * @param containerID the container id, for cni
 * @param endpoint the interface's name inside the sandbox
 * @param ipNetworks addresses as /32 or /128
 * @param profiles profile names, in order
 * @param interfaceName the host end's name
 * @param mac the container end's MAC address
 * @param ports named ports
 * @param serviceAccountName the service account it runs as; only Kubernetes has them
 * @param ipNATs floating addresses: 1:1 NAT to one of its own
 * @param allowSpoofedSourcePrefixes networks it may send from besides its own addresses
 */
public record WorkloadEndpointSpec(
    String orchestrator,
    String node,
    @Nullable String workload,
    @Nullable String pod,
    @Nullable String containerID,
    String endpoint,
    List<String> ipNetworks,
    List<String> profiles,
    @Nullable String interfaceName,
    @Nullable String mac,
    List<NamedPort> ports,
    @Nullable String serviceAccountName,
    List<IpNat> ipNATs,
    List<String> allowSpoofedSourcePrefixes) {
  /** Copies the lists; absent ones become empty. */
  public WorkloadEndpointSpec {
    ipNetworks = Lists.copy(ipNetworks);
    profiles = Lists.copy(profiles);
    ports = Lists.copy(ports);
    ipNATs = Lists.copy(ipNATs);
    allowSpoofedSourcePrefixes = Lists.copy(allowSpoofedSourcePrefixes);
  }

  /** Returns the same endpoint with other floating addresses. */
  public WorkloadEndpointSpec withIpNats(List<IpNat> nats) {
    return new WorkloadEndpointSpec(
        orchestrator,
        node,
        workload,
        pod,
        containerID,
        endpoint,
        ipNetworks,
        profiles,
        interfaceName,
        mac,
        ports,
        serviceAccountName,
        nats,
        allowSpoofedSourcePrefixes);
  }

  /**
   * A floating address.
   *
   * @param internalIP one of the endpoint's addresses
   * @param externalIP the address it is reached by, of the same family
   */
  public record IpNat(String internalIP, String externalIP) {}

  /**
   * A port of an endpoint that rules may name.
   *
   * @param name the name
   * @param protocol TCP, UDP or SCTP
   * @param port 1 to 65535
   */
  public record NamedPort(String name, Protocol protocol, int port) {}
}
