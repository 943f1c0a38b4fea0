package io.calico4j.core.testing;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes an IPPool; null stands for upstream's default. */
public final class PoolBuilder {
  private final String name;
  private final String cidr;
  private @Nullable String ipip;
  private @Nullable String vxlan;
  private @Nullable Integer blockSize;
  private @Nullable String nodes;
  private @Nullable String namespaces;
  private @Nullable List<String> uses;
  private @Nullable String mode;

  PoolBuilder(String name, String cidr) {
    this.name = name;
    this.cidr = cidr;
  }

  /** Sets the modes of the encapsulations. */
  public PoolBuilder encapsulated(@Nullable String ipip, @Nullable String vxlan) {
    this.ipip = ipip;
    this.vxlan = vxlan;
    return this;
  }

  /** Sets the prefix length of blocks. */
  public PoolBuilder blockSize(int blockSize) {
    this.blockSize = blockSize;
    return this;
  }

  /** Sets which nodes and namespaces may assign from it. */
  public PoolBuilder selecting(@Nullable String nodes, @Nullable String namespaces) {
    this.nodes = nodes;
    this.namespaces = namespaces;
    return this;
  }

  /** Sets what its addresses are for, and whether they are chosen without being asked for. */
  public PoolBuilder usedFor(@Nullable List<String> uses, @Nullable String mode) {
    this.uses = uses;
    this.mode = mode;
    return this;
  }

  /** Returns the spec. */
  public IpPoolSpec spec() {
    return new IpPoolSpec(
        cidr, vxlan, ipip, null, null, null, blockSize, nodes, namespaces, uses, mode);
  }

  /** Returns the pool. */
  public Resource<IpPoolSpec> build() {
    return Resource.create(ResourceKind.IP_POOL, Metadata.named(null, name), spec());
  }
}
