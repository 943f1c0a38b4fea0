package io.calico4j.core.testing;

import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec.NamedPort;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a HostEndpoint. */
public final class HostEndpointBuilder {
  private final String name;
  private final String node;
  private final List<NamedPort> ports = new ArrayList<>();
  private List<String> expected = List.of();
  private List<String> profiles = List.of();
  private Map<String, String> labels = Map.of();
  private @Nullable String hostInterface;

  HostEndpointBuilder(String name, String node) {
    this.name = name;
    this.node = node;
  }

  /** Names its interface. */
  public HostEndpointBuilder on(String newInterface) {
    hostInterface = newInterface;
    return this;
  }

  /** Sets the addresses that its interface has. */
  public HostEndpointBuilder expecting(String... addresses) {
    expected = List.of(addresses);
    return this;
  }

  /** Sets its profiles. */
  public HostEndpointBuilder profiles(String... names) {
    profiles = List.of(names);
    return this;
  }

  /** Sets its labels. */
  public HostEndpointBuilder labels(Map<String, String> newLabels) {
    labels = newLabels;
    return this;
  }

  /** Adds a named port. */
  public HostEndpointBuilder port(String portName, Protocol protocol, int port) {
    ports.add(new NamedPort(portName, protocol, port));
    return this;
  }

  /** Returns the endpoint. */
  public Resource<HostEndpointSpec> build() {
    return Resource.create(
        ResourceKind.HOST_ENDPOINT,
        Metadata.named(null, name).withLabels(labels),
        new HostEndpointSpec(node, hostInterface, expected, profiles, ports));
  }
}
