package io.calico4j.core.testing;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.resource.ResourceCodec;
import java.util.List;

/** Resources as tests need them: what a test does not say has upstream's default. */
public final class Resources {
  private Resources() {}

  /** Makes a node that does not speak BGP. */
  public static Resource<NodeSpec> node(String name) {
    return Resource.create(ResourceKind.NODE, Metadata.named(null, name), NodeSpec.EMPTY);
  }

  /**
   * Makes a node that speaks BGP.
   *
   * @param address its address with the prefix length
   */
  public static Resource<NodeSpec> node(String name, String address) {
    NodeSpec.Bgp bgp = new NodeSpec.Bgp(null, address, null, null, null);
    return Resource.create(
        ResourceKind.NODE,
        Metadata.named(null, name),
        new NodeSpec(bgp, null, null, null, null, List.of()));
  }

  /** Begins a pool. */
  public static PoolBuilder pool(String name, String cidr) {
    return new PoolBuilder(name, cidr);
  }

  /** Begins the endpoint of a CNI runtime's container. */
  public static EndpointBuilder endpoint(String node, String container) {
    return new EndpointBuilder(node, container);
  }

  /** Begins a host endpoint. */
  public static HostEndpointBuilder hostEndpoint(String name, String node) {
    return new HostEndpointBuilder(name, node);
  }

  /** Begins a global policy. */
  public static PolicyBuilder policy(String name) {
    return new PolicyBuilder(name);
  }

  /** Begins a rule for every packet. */
  public static RuleBuilder rule(Rule.Action action) {
    return new RuleBuilder(action);
  }

  /** Returns a resource as it stands in the datastore. */
  public static Entry entry(Resource<?> resource, long revision) {
    return new Entry(resource.key().path(), ResourceCodec.encode(resource), revision);
  }
}
