package io.calico4j.core.model;

import io.calico4j.core.net.Cidr;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of an IPPool: a CIDR to assign workload addresses from.
 *
 * @param cidr canonical CIDR text
 * @param vxlanMode Never (default), Always or CrossSubnet
 * @param ipipMode Never (default), Always or CrossSubnet
 * @param natOutgoing whether traffic leaving all pools is masqueraded
 * @param disabled whether automatic assignment skips the pool
 * @param disableBGPExport whether BIRD keeps the pool's routes to itself
 * @param blockSize prefix length of blocks, 20-32 (default 26) or 116-128 (default 122)
 * @param nodeSelector which nodes may assign from it; default all()
 * @param namespaceSelector which namespaces' workloads may have its addresses; null means any
 * @param allowedUses Workload and Tunnel by default
 * @param assignmentMode Automatic (default) or Manual
 */
public record IpPoolSpec(
    String cidr,
    @Nullable String vxlanMode,
    @Nullable String ipipMode,
    @Nullable Boolean natOutgoing,
    @Nullable Boolean disabled,
    @Nullable Boolean disableBGPExport,
    @Nullable Integer blockSize,
    @Nullable String nodeSelector,
    @Nullable String namespaceSelector,
    @Nullable List<String> allowedUses,
    @Nullable String assignmentMode) {

  /** Returns the pool's network. */
  public Cidr network() {
    return Cidr.parse(cidr);
  }

  /** Returns the block prefix length with upstream's default filled in. */
  public int effectiveBlockSize() {
    return blockSize != null ? blockSize : network().address().isV4() ? 26 : 122;
  }

  /** Tells whether automatic assignment may use the pool. */
  public boolean enabled() {
    return !Boolean.TRUE.equals(disabled);
  }

  /** Returns the same pool, disabled. */
  public IpPoolSpec asDisabled() {
    return new IpPoolSpec(
        cidr,
        vxlanMode,
        ipipMode,
        natOutgoing,
        true,
        disableBGPExport,
        blockSize,
        nodeSelector,
        namespaceSelector,
        allowedUses,
        assignmentMode);
  }

  /** Tells whether the intended use (Workload, Tunnel, LoadBalancer) is allowed. */
  public boolean allows(String use) {
    return allowedUses == null || allowedUses.isEmpty()
        ? !use.equals("LoadBalancer")
        : allowedUses.contains(use);
  }
}
