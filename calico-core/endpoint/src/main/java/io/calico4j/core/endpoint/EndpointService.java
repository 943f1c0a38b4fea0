package io.calico4j.core.endpoint;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.AttachTimings.Clock;
import io.calico4j.core.endpoint.TeardownRecords.Pending;
import io.calico4j.core.endpoint.TeardownRecords.Subject;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What ADD, CHECK and DEL mean for every orchestrator. Attaching assigns addresses and registers
 * the endpoint in one transaction, wires the sandbox while Felix programs the rules, and returns
 * once those are in the kernel; any failure takes everything back. All operations may be repeated,
 * and detaching reads what exists instead of assuming what ought to. Safe for many threads;
 * operations on one endpoint take turns.
 */
public final class EndpointService implements Janitor.Takeback, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EndpointService.class);
  private static final int LOCKS = 256;
  private static final int TEARDOWN_SECONDS = 5;
  private static final Duration LEAST_POLICY_WAIT = Duration.ofSeconds(1);

  private final Datastore datastore;
  private final Kernel kernel;
  private final EndpointReadiness readiness;
  private final Ipam ipam;
  private final EndpointSettings settings;
  private final EndpointStep.Observer steps;
  private final ResourceClient resources;
  private final EndpointRegistry registry;
  private final Netlink host;
  private final Conntrack conntrack;
  private final @Nullable TeardownRecords teardowns;
  private final Map<String, DetachStep> detachSteps = new ConcurrentHashMap<>();

  /** What was said of recorded detachments that cannot be finished, to say it once. */
  private final Map<EndpointIdentity, String> teardownProblems = new ConcurrentHashMap<>();

  private final LinkReaper reaper;
  private final SandboxWiring wiring;
  private final VethMaker veths;
  private final AddressGuard guard;
  private final Lock[] locks = new Lock[LOCKS];
  private final ExecutorService helpers =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "endpoint-helper");
            thread.setDaemon(true);
            return thread;
          });
  private final ScheduledExecutorService takebacks = Daemons.timer("endpoint-takeback");

  /** Opens a netlink socket and finishes link deletions that an earlier process left. */
  public EndpointService(
      Datastore datastore,
      Kernel kernel,
      EndpointReadiness readiness,
      Ipam ipam,
      EndpointSettings settings,
      EndpointStep.Observer steps)
      throws KernelException {
    this.datastore = datastore;
    this.kernel = kernel;
    this.readiness = readiness;
    this.ipam = ipam;
    this.settings = settings;
    this.steps = steps;
    resources = new ResourceClient(datastore);
    registry =
        new EndpointRegistry(
            datastore,
            resources,
            ipam,
            steps,
            settings.deferLinkDeletion()
                ? (task, seconds) -> {
                  var unused = takebacks.schedule(task, seconds, TimeUnit.SECONDS);
                }
                : (task, seconds) -> {},
            this::unlessLinked);
    host = kernel.netlink();
    conntrack = kernel.conntrack();
    guard = new AddressGuard(ipam, host, settings.datastoreAddresses());
    Path records = settings.teardowns();
    teardowns = records == null ? null : new TeardownRecords(records);
    reaper = new LinkReaper(kernel, host, settings.deferLinkDeletion());
    reaper.finish();
    wiring = new SandboxWiring(kernel, host, reaper, steps);
    veths = new VethMaker(kernel, reaper, wiring, steps);
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
    if (teardowns != null && settings.deferLinkDeletion()) {
      // The first time when plugins have added their steps.
      var unused =
          takebacks.scheduleWithFixedDelay(
              this::finishTeardowns, 1, TEARDOWN_SECONDS, TimeUnit.SECONDS);
    }
  }

  /**
   * Makes a step of detachments known under a name that is in records on the disk. Records that ask
   * for it wait until then.
   */
  public void addStep(String name, DetachStep step) {
    detachSteps.put(name, step);
  }

  /** Returns the budget of an attach. */
  public Patience patience() {
    return settings.patience();
  }

  /** Returns the node this attaches endpoints to. */
  public String node() {
    return ipam.node();
  }

  /**
   * Attaches an interface; an endpoint that is there already gives the same answer again. While the
   * datastore does not answer this is repeated within the budget of the settings: each attempt
   * takes back what it has begun, and goes on with what an earlier one has stored after all.
   */
  public Attachment attach(AttachRequest request, NetworkNamespace sandbox) throws AttachException {
    long start = System.nanoTime();
    long end = start + settings.patience().budget().toNanos();
    try {
      return settings
          .patience()
          .run(
              "attach " + request.identity(),
              AttachException.class,
              () -> attachOnce(request, sandbox, end));
    } catch (AttachException e) {
      if (!Patience.isAway(e)) {
        throw e;
      }
      throw new AttachException(
          e.reason(),
          e.getMessage()
              + "; waited "
              + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)
              + " s for the datastore, the budget of an ADD is "
              + settings.patience().budget().toSeconds()
              + " s",
          e);
    }
  }

  private Attachment attachOnce(AttachRequest request, NetworkNamespace sandbox, long end)
      throws AttachException {
    Lock lock = lock(request.identity());
    lock.lock();
    try {
      return attachLocked(request, sandbox, end);
    } finally {
      lock.unlock();
    }
  }

  private Attachment attachLocked(AttachRequest request, NetworkNamespace sandbox, long end)
      throws AttachException {
    EndpointIdentity identity = request.identity();
    Undo undo = new Undo();
    Clock clock = new Clock();
    try {
      registry.requireReady();
      finishTeardown(identity);
      guard.require(request, () -> resources.list(ResourceKind.WORKLOAD_ENDPOINT));
      for (ProfileDraft profile : request.newProfiles()) {
        registry.ensure(profile);
        steps.reached(EndpointStep.PROFILE_ENSURED);
      }
      int mtu = request.mtu() > 0 ? request.mtu() : settings.defaultMtu().getAsInt();
      SandboxWiring.Plan plan =
          new SandboxWiring.Plan(
              mtu, request.ipForwarding(), request.mac(), request.routes(), request.floating());
      boolean found = host.index(identity.hostInterface()).isPresent();
      clock.end(Clock.Part.CHECKS);
      EndpointRegistry.Registration registration =
          found
              ? finish(request, sandbox, plan, undo, clock)
              : make(request, sandbox, plan, undo, clock);
      if (!request.floating().isEmpty()) {
        // Another host may have given the same address meanwhile.
        guard.require(request, () -> resources.list(ResourceKind.WORKLOAD_ENDPOINT));
      }
      awaitPolicy(identity, registration.revision(), end);
      clock.end(Clock.Part.POLICY);
      return new Attachment(
          registration.addresses(),
          identity.hostInterface(),
          SandboxWiring.HOST_MAC.text(),
          registration.mac(),
          mtu,
          clock.read());
    } catch (DatastoreException
        | IpamException
        | KernelException
        | AttachException
        | InterruptedException e) {
      undo.runAfter(e);
      throw failure("attach", identity, e);
    } catch (RuntimeException e) {
      undo.runAfter(e);
      throw e;
    }
  }

  /** Goes on where an earlier attempt has left the host's end of the pair. */
  private EndpointRegistry.Registration finish(
      AttachRequest request,
      NetworkNamespace sandbox,
      SandboxWiring.Plan plan,
      Undo undo,
      Clock clock)
      throws DatastoreException, IpamException, KernelException, AttachException {
    EndpointIdentity identity = request.identity();
    try (Netlink inside = veths.open(request, sandbox, plan, () -> {})) {
      EndpointRegistry.Registration registration = registry.register(request, sandbox, undo);
      clock.end(Clock.Part.REGISTER);
      if (registration.fresh() || !isWired(identity, sandbox)) {
        undo.push(() -> reaper.removeNow(identity.hostInterface()));
        wiring.prepare(sandbox, inside, identity, plan);
        wiring.address(sandbox, inside, identity, registration.addresses(), plan);
        wiring.route(identity, registration.addresses(), plan);
      }
      clock.end(Clock.Part.ADDRESS);
      return registration;
    }
  }

  /**
   * Makes the veth pair on a helper thread while this one registers the endpoint; nothing is routed
   * to the pair before it is registered. A sandbox that is unfit takes the registration back.
   */
  private EndpointRegistry.Registration make(
      AttachRequest request,
      NetworkNamespace sandbox,
      SandboxWiring.Plan plan,
      Undo undo,
      Clock clock)
      throws DatastoreException,
          IpamException,
          KernelException,
          AttachException,
          InterruptedException {
    EndpointIdentity identity = request.identity();
    AtomicBoolean fit = new AtomicBoolean();
    Undo.Step removeLink =
        () -> {
          if (fit.get()) {
            reaper.removeNow(identity.hostInterface());
          }
        };
    undo.push(removeLink);
    Future<Netlink> veth = helpers.submit(() -> veths.make(request, sandbox, plan, fit, clock));
    EndpointRegistry.Registration registration;
    try {
      registration = registry.register(request, sandbox, undo);
    } catch (DatastoreException | IpamException | RuntimeException e) {
      VethMaker.close(veth, e);
      throw e;
    }
    // Again, above the registration: no address is released while it leads to a sandbox.
    undo.push(removeLink);
    try (Netlink inside = VethMaker.await(veth)) {
      clock.end(Clock.Part.REGISTER);
      wiring.address(sandbox, inside, identity, registration.addresses(), plan);
      wiring.route(identity, registration.addresses(), plan);
      clock.end(Clock.Part.ADDRESS);
    }
    return registration;
  }

  private void awaitPolicy(EndpointIdentity identity, long revision, long end)
      throws AttachException, InterruptedException {
    Duration left = Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    Duration timeout =
        settings.awaitRemoval()
            ? settings.policyTimeout()
            : Collections.max(List.of(left, LEAST_POLICY_WAIT));
    if (!readiness.awaitProgrammed(identity.key(), revision, timeout)) {
      throw new AttachException(
          Reason.TRY_AGAIN,
          "policy of "
              + identity
              + " was not in the kernel within "
              + timeout.toSeconds()
              + " s: see calico-node's log and its /readiness",
          null);
    }
    steps.reached(EndpointStep.POLICY_PROGRAMMED);
  }

  /**
   * Checks that an attached endpoint is complete: registered, wired, addressed.
   *
   * @throws AttachException naming what is missing
   */
  public Attachment check(EndpointIdentity identity, NetworkNamespace sandbox)
      throws AttachException {
    try {
      Resource<WorkloadEndpointSpec> endpoint =
          resources
              .get(ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name())
              .orElseThrow(
                  () -> inconsistent("there is no " + identity.key() + " in the datastore"));
      List<IpAddress> addresses = EndpointRegistry.addresses(endpoint.spec());
      Link hostLink =
          host.link(identity.hostInterface())
              .filter(l -> l.up() && l.group() != LinkReaper.GROUP)
              .orElseThrow(
                  () ->
                      inconsistent(
                          "host interface " + identity.hostInterface() + " is missing or down"));
      try (Netlink inside = kernel.netlink(sandbox)) {
        Link link =
            inside
                .link(identity.interfaceName())
                .orElseThrow(
                    () ->
                        inconsistent(
                            "interface " + identity.interfaceName() + " is missing inside"));
        for (IpAddress address : addresses) {
          if (inside.addresses().stream()
              .noneMatch(a -> a.interfaceIndex() == link.index() && a.address().equals(address))) {
            throw inconsistent("address " + address + " is not on " + identity.interfaceName());
          }
          if (host.routes().stream()
              .noneMatch(
                  r ->
                      r.destination().equals(address.toCidr())
                          && r.interfaceIndex() == hostLink.index())) {
            throw inconsistent("the host has no route to " + address + " on " + hostLink.name());
          }
        }
      }
      return new Attachment(
          addresses,
          identity.hostInterface(),
          SandboxWiring.HOST_MAC.text(),
          EndpointRegistry.mac(endpoint.spec(), identity),
          hostLink.mtu(),
          new Clock().read());
    } catch (DatastoreException | KernelException e) {
      throw failure("check", identity, e);
    }
  }

  private static AttachException inconsistent(String message) {
    return new AttachException(Reason.INCONSISTENT, message, null);
  }

  /**
   * Detaches an interface: takes the link out of service, then releases its addresses and its
   * registration in one transaction. What is not there is fine. While the datastore is away the
   * rest is recorded on this host, and calico-node does it later.
   */
  public void detach(EndpointIdentity identity) throws AttachException {
    detachWith(identity, null);
  }

  /**
   * Detaches an interface, and does a step before its endpoint leaves the datastore; both are
   * recorded together.
   */
  public void detach(EndpointIdentity identity, DetachStep.Asked step) throws AttachException {
    detachWith(identity, step);
  }

  private void detachWith(EndpointIdentity identity, DetachStep.@Nullable Asked asked)
      throws AttachException {
    Lock lock = lock(identity);
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
      throw failure("detach", identity, e);
    } finally {
      lock.unlock();
    }
  }

  /** Returns the step that an earlier detachment of the endpoint has still to do. */
  private DetachStep.@Nullable Asked recordedStep(EndpointIdentity identity) {
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
      stored.removeLink(node(), host, reaper);
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
  public void releaseAddresses(EndpointIdentity identity) throws DatastoreException {
    Lock lock = lock(identity);
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
  public void finishRelease(EndpointIdentity identity) throws DatastoreException {
    Lock lock = lock(identity);
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
  public int pendingTeardowns() {
    try {
      return teardowns == null ? 0 : teardowns.count();
    } catch (IOException e) {
      log.warn("recorded detachments cannot be listed: {}", e.toString());
      return 0;
    }
  }

  private void finishTeardowns() {
    try {
      for (Pending pending : teardowns == null ? List.<Pending>of() : teardowns.all()) {
        EndpointIdentity identity = pending.identity();
        try {
          switch (pending.subject()) {
            case ENDPOINT -> finishTeardownLater(identity);
            case ADDRESSES -> finishRelease(identity);
          }
          teardownProblems.remove(identity);
        } catch (UnavailableException e) {
          throw e;
        } catch (DatastoreException | KernelException | AttachException | RuntimeException e) {
          String problem = String.valueOf(e.getMessage());
          if (!problem.equals(teardownProblems.put(identity, problem))) {
            log.warn("the recorded detachment of {} waits: {}", identity, problem);
          }
        }
      }
    } catch (IOException | UnavailableException | RuntimeException e) {
      log.info("recorded detachments wait for the datastore: {}", e.getMessage());
    }
  }

  private void finishTeardownLater(EndpointIdentity identity)
      throws DatastoreException, KernelException, AttachException {
    Lock lock = lock(identity);
    lock.lock();
    try {
      finishTeardown(identity);
    } finally {
      lock.unlock();
    }
  }

  /** Finishes a recorded detachment, unless the endpoint has been made anew since. */
  private void finishTeardown(EndpointIdentity identity)
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

  private void forgetConnections(Set<IpAddress> addresses) {
    if (addresses.isEmpty()) {
      return;
    }
    try {
      int unused = conntrack.delete(addresses::contains);
    } catch (KernelException e) {
      log.warn("conntrack entries of {} are left to time out: {}", addresses, e.getMessage());
    }
  }

  /**
   * Detaches this node's endpoints of a network, as far as they are not to be kept. Goes on after
   * an error; endpoints that do not say which network they are of stay.
   *
   * @throws AttachException with the first error, after all have been tried
   */
  public void detachOthers(String network, Predicate<EndpointIdentity> kept)
      throws AttachException {
    List<EndpointIdentity> others = new ArrayList<>();
    try {
      for (Resource<WorkloadEndpointSpec> endpoint :
          resources.list(ResourceKind.WORKLOAD_ENDPOINT)) {
        ContainerTrace.of(endpoint)
            .map(ContainerTrace::identity)
            .filter(i -> i.node().equals(node()) && i.network().equals(network))
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
        detach(identity);
        log.info("{} was not attached any more, says its runtime, and is detached", identity);
      } catch (AttachException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /**
   * Tells whether an attachment could be made now; reads the datastore.
   *
   * @throws AttachException when it could not, and why
   */
  public void requireAvailable(AssignRequest addresses) throws AttachException {
    try {
      registry.requireReady();
      ipam.tryAssign(addresses);
    } catch (DatastoreException | IpamException e) {
      throw new AttachException(Reason.TRY_AGAIN, String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public boolean isLinked(EndpointIdentity identity) throws AttachException {
    try {
      return host.link(identity.hostInterface())
          .filter(link -> link.group() != LinkReaper.GROUP)
          .isPresent();
    } catch (KernelException e) {
      throw failure("look for", identity, e);
    }
  }

  @Override
  public boolean detachIfGone(EndpointIdentity identity, long revision) throws AttachException {
    Lock lock = lock(identity);
    lock.lock();
    try {
      Optional<Entry> stored = datastore.get(identity.key().path());
      if (isLinked(identity)
          || stored.isEmpty()
          || stored.get().revision() != revision
          || recordedStep(identity) != null) { // which needs the endpoint, and takes it along
        return false;
      }
      registry.unregister(identity);
      return true;
    } catch (DatastoreException e) {
      throw failure("take back", identity, e);
    } finally {
      lock.unlock();
    }
  }

  private Lock lock(EndpointIdentity identity) {
    return locks[Math.floorMod(identity.key().path().hashCode(), LOCKS)];
  }

  private boolean isWired(EndpointIdentity identity, NetworkNamespace sandbox) {
    try {
      check(identity, sandbox);
      return true;
    } catch (AttachException e) {
      return false;
    }
  }

  /** Runs the task while nobody attaches the endpoint, unless its pair is in the kernel. */
  private void unlessLinked(EndpointIdentity identity, Runnable task) {
    Lock lock = lock(identity);
    lock.lock();
    try {
      if (!isLinked(identity)) {
        task.run();
      }
    } catch (AttachException e) {
      log.warn("registration of {} is left: {}", identity, e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private static AttachException failure(
      String operation, EndpointIdentity identity, Exception cause) {
    if (cause instanceof AttachException known) {
      return known;
    }
    if (cause instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    Reason reason =
        cause instanceof IpamException
            ? Reason.REFUSED
            : cause instanceof KernelException ? Reason.KERNEL : Reason.TRY_AGAIN;
    AttachException failure =
        new AttachException(reason, operation + " " + identity + ": " + cause.getMessage(), cause);
    return failure;
  }

  /** Finishes pending link deletions and closes the netlink socket. */
  @Override
  public void close() {
    takebacks.shutdownNow();
    helpers.shutdown();
    reaper.close();
    conntrack.close();
    host.close();
  }
}
