package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Striped;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes back what no container uses: endpoints that their runtime does not name any more, and
 * registrations whose link is not there.
 */
final class EndpointCollector {
  private static final Logger log = LoggerFactory.getLogger(EndpointCollector.class);

  private final Datastore datastore;
  private final ResourceClient resources;
  private final NodeName node;
  private final EndpointRegistry registry;
  private final EndpointChecker checker;
  private final EndpointDetacher detacher;
  private final Striped<Lock> locks;

  EndpointCollector(
      Datastore datastore,
      ResourceClient resources,
      NodeName node,
      EndpointRegistry registry,
      EndpointChecker checker,
      EndpointDetacher detacher,
      Striped<Lock> locks) {
    this.datastore = datastore;
    this.resources = resources;
    this.node = node;
    this.registry = registry;
    this.checker = checker;
    this.detacher = detacher;
    this.locks = locks;
  }

  /**
   * Detaches this node's endpoints of a network, as far as they are not to be kept. Goes on after
   * an error; endpoints that do not say which network they are of stay.
   *
   * @throws AttachException with the first error, after all have been tried
   */
  void detachOthers(String network, Predicate<EndpointIdentity> kept) throws AttachException {
    List<EndpointIdentity> others = new ArrayList<>();
    try {
      for (Resource<WorkloadEndpointSpec> endpoint :
          resources.list(ResourceKind.WORKLOAD_ENDPOINT)) {
        ContainerTrace.of(endpoint)
            .map(ContainerTrace::identity)
            .filter(i -> i.node().equals(node) && i.network().equals(network))
            .filter(kept.negate())
            .ifPresent(others::add);
      }
    } catch (DatastoreException e) {
      throw new AttachException(
          Reason.TRY_AGAIN, "list endpoints of network " + network + ": " + e.getMessage(), e);
    }
    AttachException first = null;
    for (EndpointIdentity identity : others) {
      try {
        detacher.detach(identity, null);
        log.info("{} was not attached any more, says its runtime, and is detached", identity);
      } catch (AttachException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** Takes an endpoint back, as {@link Janitor.Reclaimer#detachIfGone} says. */
  boolean detachIfGone(EndpointIdentity identity, long revision) throws AttachException {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      Optional<Entry> stored = datastore.get(identity.key().path());
      if (checker.isLinked(identity)
          || stored.isEmpty()
          || stored.get().revision() != revision
          || detacher.recordedStep(identity)
              != null) { // which needs the endpoint, and takes it along
        return false;
      }
      registry.unregister(identity);
      return true;
    } catch (DatastoreException e) {
      throw AttachException.of("take back", identity, e);
    } finally {
      lock.unlock();
    }
  }
}
