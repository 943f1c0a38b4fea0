package io.calico4j.core.resource;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Fills in what upstream fills in when a resource is written. */
public final class Defaults {
  private Defaults() {}

  /** Returns the resource with its defaults. */
  @SuppressWarnings("unchecked")
  public static <S> Resource<S> fill(Resource<S> resource) {
    S spec = resource.spec();
    if (spec instanceof IpPoolSpec pool
        && pool.cidr() != null
        && Cidr.tryParse(pool.cidr()).isPresent()) {
      return resource.withSpec((S) fill(pool));
    }
    if (spec instanceof PolicySpec policy) {
      return resource.withSpec((S) fill(policy));
    }
    if (spec instanceof WorkloadEndpointSpec endpoint) {
      Metadata metadata = resource.metadata();
      Map<String, String> labels = new TreeMap<>(metadata.labels());
      labels.put("projectcalico.org/namespace", or(metadata.namespace(), "default"));
      labels.put("projectcalico.org/orchestrator", endpoint.orchestrator());
      return resource.withMetadata(metadata.withLabels(labels));
    }
    return resource;
  }

  private static IpPoolSpec fill(IpPoolSpec pool) {
    return new IpPoolSpec(
        pool.cidr(),
        or(pool.vxlanMode(), "Never"),
        or(pool.ipipMode(), "Never"),
        pool.natOutgoing(),
        pool.disabled(),
        pool.disableBGPExport(),
        pool.effectiveBlockSize(),
        or(pool.nodeSelector(), "all()"),
        pool.namespaceSelector(),
        pool.allowedUses() == null || pool.allowedUses().isEmpty()
            ? List.of("Workload", "Tunnel")
            : pool.allowedUses(),
        or(pool.assignmentMode(), "Automatic"));
  }

  private static PolicySpec fill(PolicySpec policy) {
    List<String> types = new ArrayList<>();
    if (policy.appliesToIngress()) {
      types.add("Ingress");
    }
    if (policy.appliesToEgress()) {
      types.add("Egress");
    }
    return new PolicySpec(
        policy.effectiveTier(),
        policy.order(),
        policy.selector(),
        policy.namespaceSelector(),
        policy.serviceAccountSelector(),
        types,
        policy.ingress(),
        policy.egress(),
        policy.doNotTrack(),
        policy.preDNAT(),
        policy.applyOnForward());
  }

  private static String or(@Nullable String value, String fallback) {
    return value == null || value.isEmpty() ? fallback : value;
  }
}
