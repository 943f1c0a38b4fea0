package io.calico4j.libnetwork;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A WorkloadEndpoint of a Docker container, named as upstream's libnetwork-plugin names it: {@code
 * NODE-libnetwork-libnetwork-ENDPOINTID}. What Docker told of it is kept in annotations.
 *
 * @param id Docker's id of the endpoint
 * @param resource what is stored, or to be stored
 */
record DockerEndpoint(EndpointId id, Resource<WorkloadEndpointSpec> resource) {
  /** Orchestrator and workload of every such endpoint. */
  static final String LIBNETWORK = "libnetwork";

  private static final String NAMESPACE = "default";
  private static final String NETWORK = "io.calico4j/docker-network";
  private static final String NETWORK_ID = "io.calico4j/docker-network-id";
  private static final String CONTAINER = "io.calico4j/docker-container";
  private static final String SANDBOX = "io.calico4j/docker-sandbox";
  private static final String GATEWAY = "io.calico4j/docker-gateway";

  /** Returns the key of an endpoint of the node. */
  static ResourceKey key(NodeName node, EndpointId id) {
    return new ResourceKey(
        ResourceKind.WORKLOAD_ENDPOINT,
        NAMESPACE,
        new WorkloadEndpointName(node.text(), LIBNETWORK, LIBNETWORK, id.text()).toString());
  }

  /** Makes one that no container is known of yet. */
  static DockerEndpoint create(
      NodeName node,
      EndpointId id,
      String networkId,
      String network,
      List<IpAddress> addresses,
      MacAddress mac,
      List<ProfileName> profiles) {
    WorkloadEndpointSpec spec =
        new WorkloadEndpointSpec(
            LIBNETWORK,
            node.text(),
            LIBNETWORK,
            null,
            null,
            id.text(),
            addresses.stream().map(a -> a.toCidr().toString()).toList(),
            profiles.stream().map(ProfileName::text).toList(),
            id.hostInterface().text(),
            mac.text(),
            List.of(),
            null,
            List.of(),
            List.of());
    Metadata metadata =
        Metadata.named(NAMESPACE, key(node, id).name())
            .withAnnotations(Map.of(NETWORK, network, NETWORK_ID, networkId));
    return new DockerEndpoint(id, Resource.create(ResourceKind.WORKLOAD_ENDPOINT, metadata, spec));
  }

  /** Recognises an endpoint of Docker's that a node has. */
  static Optional<DockerEndpoint> of(Resource<WorkloadEndpointSpec> resource, NodeName node) {
    WorkloadEndpointSpec spec = resource.spec();
    if (!LIBNETWORK.equals(spec.orchestrator()) || !node.is(spec.node())) {
      return Optional.empty();
    }
    try {
      EndpointId id = new EndpointId(spec.endpoint());
      return id.hostInterface().text().equals(spec.interfaceName())
          ? Optional.of(new DockerEndpoint(id, resource))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Returns the addresses. */
  List<IpAddress> addresses() {
    return resource.spec().ipNetworks().stream().map(text -> Cidr.parse(text).address()).toList();
  }

  /** Returns the container end's MAC address. */
  MacAddress mac() {
    String mac = resource.spec().mac();
    return mac == null ? id.mac() : new MacAddress(mac);
  }

  /** Returns the id of Docker's network; empty when another tool made the endpoint. */
  String networkId() {
    return annotation(NETWORK_ID);
  }

  /** Returns the path of the container's network namespace as Docker named it; empty at first. */
  String sandbox() {
    return annotation(SANDBOX);
  }

  /** Returns the number of its gateway among those of its container. */
  int gateway() {
    try {
      return Integer.parseInt(annotation(GATEWAY));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private String annotation(String key) {
    return resource.metadata().annotations().getOrDefault(key, "");
  }

  /** Returns it joined to a sandbox. */
  DockerEndpoint joined(String sandbox, int gateway) {
    return with(
        resource.metadata().labels(),
        Map.of(SANDBOX, sandbox, GATEWAY, Integer.toString(gateway)),
        resource.spec().containerID());
  }

  /** Returns it with what is known of its container; the labels replace all that it had. */
  DockerEndpoint identified(
      DockerApi.Container container, String network, Map<String, String> labels) {
    Map<String, String> all = new HashMap<>(resource.metadata().labels());
    all.keySet().removeIf(key -> !key.startsWith("projectcalico.org/"));
    all.putAll(labels);
    return with(all, Map.of(NETWORK, network, CONTAINER, container.name()), container.id());
  }

  private DockerEndpoint with(
      Map<String, String> labels, Map<String, String> annotations, @Nullable String container) {
    WorkloadEndpointSpec spec = resource.spec();
    Map<String, String> all = new HashMap<>(resource.metadata().annotations());
    all.putAll(annotations);
    return new DockerEndpoint(
        id,
        resource
            .withMetadata(resource.metadata().withLabels(labels).withAnnotations(all))
            .withSpec(
                new WorkloadEndpointSpec(
                    spec.orchestrator(),
                    spec.node(),
                    spec.workload(),
                    spec.pod(),
                    container,
                    spec.endpoint(),
                    spec.ipNetworks(),
                    spec.profiles(),
                    spec.interfaceName(),
                    spec.mac(),
                    spec.ports(),
                    spec.serviceAccountName(),
                    spec.ipNATs(),
                    spec.allowSpoofedSourcePrefixes())));
  }

  /** Tells whether another one says the same of it. */
  boolean says(DockerEndpoint other) {
    return Objects.equals(resource.spec(), other.resource.spec())
        && resource.metadata().equals(other.resource.metadata());
  }
}
