package io.calico4j.core.testing;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/** Assertions about a WorkloadEndpoint. */
public final class EndpointAssert
    extends AbstractAssert<EndpointAssert, Resource<WorkloadEndpointSpec>> {
  private EndpointAssert(Resource<WorkloadEndpointSpec> actual) {
    super(actual, EndpointAssert.class);
  }

  /** Begins assertions. */
  public static EndpointAssert assertThatEndpoint(Resource<WorkloadEndpointSpec> actual) {
    return new EndpointAssert(actual);
  }

  /** Demands that its orchestrator, and what it calls the workload, are in name and spec. */
  public EndpointAssert isOf(String orchestrator, String workload) {
    isNotNull();
    WorkloadEndpointName name = WorkloadEndpointName.parse(actual.metadata().name()).orElseThrow();
    return same("orchestrator", actual.spec().orchestrator(), orchestrator)
        .same("orchestrator in the name", name.orchestrator(), orchestrator)
        .same("workload in the name", name.workload(), workload)
        .same("container", actual.spec().containerID(), workload)
        .same("workload", actual.spec().workload(), orchestrator.equals("cni") ? null : workload);
  }

  /** Demands exactly these addresses, written as /32 or /128. */
  public EndpointAssert hasNetworks(String... networks) {
    isNotNull();
    return same("networks", actual.spec().ipNetworks(), List.of(networks));
  }

  /** Demands exactly these floating addresses. */
  public EndpointAssert isReachedBy(WorkloadEndpointSpec.IpNat... floating) {
    isNotNull();
    return same("floating addresses", actual.spec().ipNATs(), List.of(floating));
  }

  /** Demands an annotation. */
  public EndpointAssert isAnnotated(String key, String value) {
    isNotNull();
    return same(key, actual.metadata().annotations().get(key), value);
  }

  private EndpointAssert same(String what, @Nullable Object found, @Nullable Object wanted) {
    if (!Objects.equals(found, wanted)) {
      throw failureWithActualExpected(
          found, wanted, "%s of %s is <%s>, not <%s>", what, actual.key(), found, wanted);
    }
    return this;
  }
}
