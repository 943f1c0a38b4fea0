package io.calico4j.mesos;

import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.ContainerTrace;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.Janitor.Reclaimer;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.HandleId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.mesos.v1.Protos.Task;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares this node's Mesos endpoints, those of both roads, with the containers that the agent
 * lists. An endpoint is released when the agent has not listed its container for the grace period,
 * at every look in between, while nothing wrote the endpoint, and when its pair is not in the
 * kernel (it goes with the container's network namespace). An agent that cannot be asked, or whose
 * answer is doubtful, says nothing: the periods begin anew. Endpoints of listed containers get the
 * ids of framework, executor, tasks and agent. Not for several threads.
 */
public final class MesosReconciler {
  private static final Logger log = LoggerFactory.getLogger(MesosReconciler.class);

  private final AgentApi agent;
  private final Reclaimer reclaimer;
  private final Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints;
  private final ResourceClient resources;
  private final Ipam ipam;
  private final UnusedUids uids;
  private final Duration grace;
  private final LongSupplier nanos;
  private Map<EndpointIdentity, Absence> absent = new HashMap<>();
  private Set<EndpointIdentity> strays = Set.of();
  private volatile long released;

  /** Since when the agent does not list an endpoint's container. */
  private record Absence(long revision, long since) {}

  /** An endpoint of a Mesos container. */
  private record Found(Resource<WorkloadEndpointSpec> endpoint, ContainerTrace trace) {
    EndpointIdentity identity() {
      return trace.identity();
    }

    String container() {
      return trace.identity().workload();
    }

    Optional<HandleId> uid() {
      return NetModules.uid(endpoint);
    }
  }

  /**
   * Makes one.
   *
   * @param agent the node's own agent
   * @param reclaimer releases endpoints
   * @param endpoints returns this node's endpoints
   * @param resources writes the ids
   * @param ipam releases addresses of net-modules
   * @param grace how long a container must be unlisted
   */
  public MesosReconciler(
      AgentApi agent,
      Reclaimer reclaimer,
      Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints,
      ResourceClient resources,
      Ipam ipam,
      Duration grace) {
    this(agent, reclaimer, endpoints, resources, ipam, grace, System::nanoTime);
  }

  MesosReconciler(
      AgentApi agent,
      Reclaimer reclaimer,
      Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints,
      ResourceClient resources,
      Ipam ipam,
      Duration grace,
      LongSupplier nanos) {
    this.agent = agent;
    this.reclaimer = reclaimer;
    this.endpoints = endpoints;
    this.resources = resources;
    this.ipam = ipam;
    this.grace = grace;
    this.nanos = nanos;
    uids = new UnusedUids(ipam, grace);
  }

  /** Returns how many endpoints and unused uids were released so far. */
  public long released() {
    return released;
  }

  /**
   * Looks once.
   *
   * @throws AgentUnavailableException when the agent cannot be asked; nothing is released then
   */
  public void reconcile() throws AgentUnavailableException, AttachException, DatastoreException {
    AgentView view;
    try {
      view = new AgentView(agent.containers());
    } catch (AgentUnavailableException e) {
      absent = new HashMap<>();
      uids.forget();
      throw e;
    }
    List<Found> found = found();
    release(found, view);
    Set<HandleId> used = new HashSet<>();
    found.forEach(f -> f.uid().ifPresent(used::add));
    count(uids.release(used, nanos.getAsLong()));
    name(found, view);
  }

  private List<Found> found() {
    List<Found> found = new ArrayList<>();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints.get()) {
      Optional<ContainerTrace> trace = ContainerTrace.of(endpoint);
      if (trace.isPresent()
          && (trace.get().runtime().equals(MesosSandboxes.RUNTIME)
              || trace.get().identity().orchestrator().equals(NetModules.ORCHESTRATOR))) {
        found.add(new Found(endpoint, trace.get()));
      }
    }
    return found;
  }

  private void release(List<Found> found, AgentView view)
      throws AttachException, DatastoreException {
    Map<EndpointIdentity, Absence> before = absent;
    absent = new HashMap<>();
    Set<EndpointIdentity> linked = new HashSet<>();
    for (Found each : found) {
      if (view.knows(each.container())) {
        continue;
      }
      if (reclaimer.isLinked(each.identity())) {
        linked.add(each.identity());
        continue;
      }
      long revision = each.endpoint().revision();
      Absence absence = before.get(each.identity());
      if (absence == null || absence.revision() != revision) {
        absence = new Absence(revision, nanos.getAsLong());
      } else if (nanos.getAsLong() - absence.since() >= grace.toNanos()
          && reclaimer.detachIfGone(each.identity(), revision)) {
        released(each);
        continue;
      }
      absent.put(each.identity(), absence);
    }
    linked.stream()
        .filter(identity -> !strays.contains(identity))
        .forEach(i -> log.warn("{} stays: the agent does not list it, but its pair is there", i));
    strays = linked;
  }

  private void count(int more) {
    long now = released + more;
    released = now;
  }

  private void released(Found gone) throws DatastoreException {
    count(1);
    log.warn(
        "{} with {} is released: the Mesos agent has not listed the container for {} s",
        gone.identity(),
        gone.endpoint().spec().ipNetworks(),
        grace.toSeconds());
    Optional<HandleId> uid = gone.uid();
    if (uid.isPresent()) {
      var unused = ipam.release(uid.get());
    }
  }

  /**
   * Writes the ids where they are new; an endpoint that changes meanwhile waits for another look.
   */
  private void name(List<Found> found, AgentView view)
      throws AgentUnavailableException, DatastoreException {
    List<Found> listed = found.stream().filter(f -> view.knows(f.container())).toList();
    if (listed.isEmpty()) {
      return;
    }
    List<Task> tasks = agent.tasks().getLaunchedTasksList();
    Set<String> containers = new HashSet<>();
    listed.forEach(f -> containers.add(f.container()));
    for (Found each : listed) {
      Map<String, String> before = each.endpoint().metadata().annotations();
      Map<String, String> after = view.idsOf(each.container(), tasks, containers).over(before);
      if (after.equals(before)) {
        continue;
      }
      try {
        var unused =
            resources.update(
                each.endpoint().withMetadata(each.endpoint().metadata().withAnnotations(after)));
      } catch (ConflictException | NotFoundException e) {
        log.debug("{} changes just now: {}", each.identity(), e.getMessage());
      }
    }
  }
}
