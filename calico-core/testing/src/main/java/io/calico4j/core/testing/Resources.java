package io.calico4j.core.testing;

import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
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
}
