package io.calico4j.core.endpoint;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes back endpoints whose container is gone for certain: twice in a row its pair was not in the
 * kernel (it goes with the container's network namespace) and its orchestrator had forgotten it,
 * and nothing had written the endpoint meanwhile. Whatever is less certain stays. Not for several
 * threads.
 */
public final class Janitor {
  private static final Logger log = LoggerFactory.getLogger(Janitor.class);

  private final Reclaimer reclaimer;
  private final Map<String, ContainerLiveness> orchestrators = new HashMap<>();
  private Map<EndpointIdentity, Long> suspects = Map.of();

  /** Does what the janitor decides. */
  public interface Reclaimer {
    /** Tells whether an endpoint's pair is in the kernel. */
    boolean isLinked(EndpointIdentity identity) throws AttachException;

    /**
     * Takes an endpoint back unless its pair is in the kernel, or the endpoint is not the one of
     * this revision any more.
     *
     * @return whether it was taken back
     */
    boolean detachIfGone(EndpointIdentity identity, long revision) throws AttachException;
  }

  /** Makes a janitor that asks these orchestrators, each about its own containers. */
  public Janitor(Reclaimer reclaimer, List<ContainerLiveness> orchestrators) {
    this.reclaimer = reclaimer;
    orchestrators.forEach(o -> this.orchestrators.put(o.runtime(), o));
  }

  /**
   * Looks once; a second look is needed before anything is taken back.
   *
   * @param endpoints this node's endpoints
   * @return what was taken back
   */
  public List<EndpointIdentity> collect(Collection<Resource<WorkloadEndpointSpec>> endpoints)
      throws AttachException {
    Map<EndpointIdentity, Long> found = new HashMap<>();
    List<EndpointIdentity> taken = new ArrayList<>();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
      Optional<ContainerTrace> trace = ContainerTrace.of(endpoint);
      if (trace.isEmpty() || !isGone(trace.get())) {
        continue;
      }
      EndpointIdentity identity = trace.get().identity();
      if (!Long.valueOf(endpoint.revision()).equals(suspects.get(identity))) {
        found.put(identity, endpoint.revision());
      } else if (reclaimer.detachIfGone(identity, endpoint.revision())) {
        taken.add(identity);
        log.warn(
            "{} with {} is taken back: {} has forgotten the container, and its sandbox {} is gone",
            identity,
            endpoint.spec().ipNetworks(),
            trace.get().runtime(),
            trace.get().sandbox());
      }
    }
    suspects = found;
    return taken;
  }

  private boolean isGone(ContainerTrace trace) throws AttachException {
    ContainerLiveness orchestrator = orchestrators.get(trace.runtime());
    return orchestrator != null
        && !reclaimer.isLinked(trace.identity())
        && orchestrator.of(trace) == ContainerLiveness.Verdict.GONE;
  }
}
