package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Striped;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.TeardownRecords.Pending;
import io.calico4j.core.endpoint.TeardownRecords.Subject;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Detaches endpoints: the link, the addresses and the registration. What the datastore cannot hear
 * of now is recorded on this host and finished later.
 */
final class EndpointDetacher {
  private static final Logger log = LoggerFactory.getLogger(EndpointDetacher.class);

  private final Ipam ipam;
  private final EndpointRegistry registry;
  private final EndpointReadiness readiness;
  private final EndpointSettings settings;
  private final EndpointStep.Observer steps;
  private final Netlink host;
  private final ConnectionPurge purge;
  private final LinkReaper reaper;
  private final Striped<Lock> locks;
  private final @Nullable TeardownRecords teardowns;
  private final Map<String, DetachStep> detachSteps = new ConcurrentHashMap<>();

  /** What was said of recorded detachments that cannot be finished, to say it once. */
  private final Map<EndpointIdentity, String> problems = new ConcurrentHashMap<>();

  EndpointDetacher(
      Ipam ipam,
      EndpointRegistry registry,
      EndpointReadiness readiness,
      EndpointSettings settings,
      EndpointStep.Observer steps,
      Netlink host,
      ConnectionPurge purge,
      LinkReaper reaper,
      Striped<Lock> locks) {
    this.ipam = ipam;
    this.registry = registry;
    this.readiness = readiness;
    this.settings = settings;
    this.steps = steps;
    this.host = host;
    this.purge = purge;
    this.reaper = reaper;
    this.locks = locks;
    Path records = settings.teardowns();
    teardowns = records == null ? null : new TeardownRecords(records);
  }

  /** Tells whether detachments can be recorded. */
  boolean records() {
    return teardowns != null;
  }

  /** Makes a step known under a name that is in records on the disk. */
  void addStep(String name, DetachStep step) {
    detachSteps.put(name, step);
  }

  /** Detaches an interface; without a step, the one that an earlier detachment has left counts. */
  void detach(EndpointIdentity identity, DetachStep.@Nullable Asked asked) throws AttachException {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      reaper.remove(identity.hostInterface());
      steps.reached(EndpointStep.LINK_REMOVED);
      DetachStep.Asked step = asked == null ? recordedStep(identity) : asked;
      try {
        unregister(identity, step);
      } catch (UnavailableException e) {
        record(new Pending(Subject.ENDPOINT, identity, Instant.now(), step), e);
        return;
      }
      steps.reached(EndpointStep.UNREGISTERED);
      if (teardowns != null) {
        teardowns.delete(Subject.ENDPOINT, identity);
      }
      if (settings.awaitRemoval()
          && !readiness.awaitRemoved(identity.key(), 0, settings.policyTimeout())) {
        log.warn("rules of {} are left until calico-node starts", identity);
      }
    } catch (KernelException | DatastoreException | IOException | InterruptedException e) {
      throw AttachException.of("detach", identity, e);
    } finally {
      lock.unlock();
    }
  }

  /** Returns the step that an earlier detachment of the endpoint has still to do. */
  DetachStep.@Nullable Asked recordedStep(EndpointIdentity identity) {
    if (teardowns == null) {
      return null;
    }
    Optional<Pending> earlier = teardowns.of(Subject.ENDPOINT, identity);
    return earlier.isPresent() ? earlier.get().step() : null;
  }

  /** Releases what the datastore has of an endpoint, and the link that stands in it. */
  private void unregister(EndpointIdentity identity, DetachStep.@Nullable Asked step)
      throws DatastoreException, KernelException, AttachException {
    EndpointIdentity attached = identity;
    Optional<Resource<WorkloadEndpointSpec>> found = registry.stored(identity);
    if (found.isPresent()) {
      StoredEndpoint stored = new StoredEndpoint(found.get());
      attached = stored.identity(identity, ipam);
      stored.removeLink(ipam.node(), host, reaper);
      // Before the addresses are released: their next owner must not meet these connections.
      forgetConnections(stored.addresses());
      if (step != null) {
        run(step, found.get());
      }
    }
    registry.unregister(attached);
  }

  private void run(DetachStep.Asked step, Resource<WorkloadEndpointSpec> endpoint)
      throws DatastoreException, AttachException {
    DetachStep known = detachSteps.get(step.name());
    if (known == null) {
      throw new AttachException(
          Reason.TRY_AGAIN,
          "nothing is known here of the step \""
              + step.name()
              + "\" that the detachment of "
              + endpoint.metadata().name()
              + " asks for",
          null);
    }
    known.run(endpoint, step.request());
  }

  /**
   * Releases the addresses that {@code calico-ipam} assigned for an interface of another plugin.
   * While the datastore is away this is recorded on this host, and calico-node does it later.
   */
  void releaseAddresses(EndpointIdentity identity) throws DatastoreException {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      release(identity, Instant.MAX);
      forget(Subject.ADDRESSES, identity);
    } catch (UnavailableException e) {
      record(new Pending(Subject.ADDRESSES, identity, Instant.now(), null), e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Finishes a recorded release of such addresses: before others are assigned for the interface.
   */
  void finishRelease(EndpointIdentity identity) throws DatastoreException {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      Optional<Pending> pending =
          teardowns == null ? Optional.empty() : teardowns.of(Subject.ADDRESSES, identity);
      if (pending.isPresent()) {
        release(identity, pending.get().at());
        log.info("addresses of {}, detached at {}, are free", identity, pending.get().at());
        forget(Subject.ADDRESSES, identity);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Releases what was assigned for the interface until then. */
  private void release(EndpointIdentity identity, Instant until) throws DatastoreException {
    var unused =
        ipam.release(
            identity.handleId(),
            owner ->
                EndpointRegistry.isOfInterface(owner.secondary().get("interface"), identity)
                    && !isNewer(owner.secondary().get("timestamp"), until),
            Ipam.FurtherWrites.NONE);
  }

  private void forget(Subject subject, EndpointIdentity identity) {
    if (teardowns == null) {
      return;
    }
    try {
      teardowns.delete(subject, identity);
    } catch (IOException e) {
      log.warn("the record of {} cannot be removed: {}", identity, e.toString());
    }
  }

  private void record(Pending pending, UnavailableException cause) throws UnavailableException {
    EndpointIdentity identity = pending.identity();
    if (teardowns == null) {
      throw cause;
    }
    try {
      teardowns.write(pending);
      log.warn("{} is detached, and leaves the datastore later: {}", identity, cause.getMessage());
    } catch (IOException e) {
      cause.addSuppressed(e);
      log.error("the detachment of {} cannot be recorded: {}", identity, e.toString());
      throw cause;
    }
  }

  /** Returns how many detachments the datastore has not heard of yet. */
  int pending() {
    try {
      return teardowns == null ? 0 : teardowns.count();
    } catch (IOException e) {
      log.warn("recorded detachments cannot be listed: {}", e.toString());
      return 0;
    }
  }

  /** Finishes what is recorded, as far as the datastore answers. */
  void finishAll() {
    try {
      for (Pending pending : teardowns == null ? List.<Pending>of() : teardowns.all()) {
        EndpointIdentity identity = pending.identity();
        try {
          switch (pending.subject()) {
            case ENDPOINT -> finishAlone(identity);
            case ADDRESSES -> finishRelease(identity);
          }
          problems.remove(identity);
        } catch (UnavailableException e) {
          throw e;
        } catch (DatastoreException | KernelException | AttachException | RuntimeException e) {
          String problem = String.valueOf(e.getMessage());
          if (!problem.equals(problems.put(identity, problem))) {
            log.warn("the recorded detachment of {} waits: {}", identity, problem);
          }
        }
      }
    } catch (IOException | UnavailableException | RuntimeException e) {
      log.info("recorded detachments wait for the datastore: {}", e.getMessage());
    }
  }

  private void finishAlone(EndpointIdentity identity)
      throws DatastoreException, KernelException, AttachException {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      finish(identity);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Finishes a recorded detachment, unless the endpoint has been made anew since; the caller holds
   * the endpoint's lock.
   */
  void finish(EndpointIdentity identity)
      throws DatastoreException, KernelException, AttachException {
    Optional<Pending> pending =
        teardowns == null ? Optional.empty() : teardowns.of(Subject.ENDPOINT, identity);
    if (pending.isEmpty()) {
      return;
    }
    EndpointIdentity recorded = pending.get().identity();
    Instant at = pending.get().at();
    if (registry
        .stored(recorded)
        .filter(e -> isNewer(e.metadata().creationTimestamp(), at))
        .isEmpty()) {
      unregister(recorded, pending.get().step());
      log.info("{}, detached at {}, has left the datastore", recorded, at);
    }
    forget(Subject.ENDPOINT, recorded);
  }

  private static boolean isNewer(@Nullable String created, Instant detached) {
    try {
      return created != null && Instant.parse(created).isAfter(detached);
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  /**
   * Has the connections of addresses forgotten, while others go on: those of this node's blocks,
   * whose next owner waits for that here, and whose free addresses the next agent looks at if this
   * one is killed meanwhile. An address of another host's block, or of another IPAM plugin, may be
   * given away by a process that does not wait; its connections are forgotten first.
   */
  private void forgetConnections(Set<IpAddress> addresses) throws DatastoreException {
    Set<IpAddress> others = new HashSet<>();
    Set<IpAddress> own = new HashSet<>();
    for (IpAddress address : addresses) {
      boolean later = settings.deferLinkDeletion() && ipam.isOfOwnBlock(address);
      (later ? own : others).add(address);
    }
    purge.forgetNow(others);
    purge.forget(own);
  }
}
