package io.calico4j.core.testing;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.model.WorkloadEndpointSpec.NamedPort;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a WorkloadEndpoint: eth0 of a CNI runtime's container, on cali1 unless it is said. */
public final class EndpointBuilder {
  private final String node;
  private final String container;
  private final List<NamedPort> ports = new ArrayList<>();
  private List<String> networks = List.of();
  private List<String> profiles = List.of();
  private List<IpNat> floating = List.of();
  private Map<String, String> labels = Map.of();
  private String hostInterface = "cali1";
  private @Nullable String mac;

  EndpointBuilder(String node, String container) {
    this.node = node;
    this.container = container;
  }

  /** Sets its addresses. */
  public EndpointBuilder addresses(String... addresses) {
    networks =
        List.of(addresses).stream()
            .map(address -> IpAddress.parse(address).toCidr().toString())
            .toList();
    return this;
  }

  /** Sets its profiles. */
  public EndpointBuilder profiles(String... names) {
    profiles = List.of(names);
    return this;
  }

  /** Sets its floating addresses. */
  public EndpointBuilder floating(IpNat... addresses) {
    floating = List.of(addresses);
    return this;
  }

  /** Sets its labels. */
  public EndpointBuilder labels(Map<String, String> newLabels) {
    labels = newLabels;
    return this;
  }

  /** Names its host interface. */
  public EndpointBuilder on(String name) {
    hostInterface = name;
    return this;
  }

  /** Sets the MAC address in the container. */
  public EndpointBuilder mac(String address) {
    mac = address;
    return this;
  }

  /** Adds a named port. */
  public EndpointBuilder port(String name, Protocol protocol, int port) {
    ports.add(new NamedPort(name, protocol, port));
    return this;
  }

  /** Returns the endpoint. */
  public Resource<WorkloadEndpointSpec> build() {
    WorkloadEndpointSpec spec =
        new WorkloadEndpointSpec(
            "cni",
            node,
            null,
            null,
            container,
            "eth0",
            networks,
            profiles,
            hostInterface,
            mac,
            ports,
            null,
            floating,
            List.of());
    return Resource.create(
        ResourceKind.WORKLOAD_ENDPOINT,
        Metadata.named("default", WorkloadEndpointName.of(spec).toString()).withLabels(labels),
        spec);
  }
}
