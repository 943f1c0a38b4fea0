package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Striped;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.AttachTimings.Clock;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.ResourceKind;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;

/**
 * Attaches endpoints: addresses and registration in one transaction, the veth pair beside it, the
 * routes after it, and an answer when the policy is in the kernel. Nothing is routed before the
 * connections of the addresses' earlier owners are forgotten. A failure takes everything back.
 */
final class EndpointAttacher {
  private static final Duration LEAST_POLICY_WAIT = Duration.ofSeconds(1);

  private final EndpointReadiness readiness;
  private final EndpointSettings settings;
  private final EndpointStep.Observer steps;
  private final ResourceClient resources;
  private final EndpointRegistry registry;
  private final Netlink host;
  private final LinkReaper reaper;
  private final SandboxWiring wiring;
  private final VethMaker veths;
  private final AddressGuard guard;
  private final EndpointChecker checker;
  private final EndpointDetacher detacher;
  private final ConnectionPurge purge;
  private final Striped<Lock> locks;

  /** A helper thread makes one veth pair while the caller's thread registers its endpoint. */
  private final ExecutorService helpers =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "endpoint-helper");
            thread.setDaemon(true);
            return thread;
          });

  EndpointAttacher(
      Kernel kernel,
      Netlink host,
      LinkReaper reaper,
      ResourceClient resources,
      EndpointRegistry registry,
      EndpointReadiness readiness,
      EndpointSettings settings,
      EndpointStep.Observer steps,
      AddressGuard guard,
      EndpointChecker checker,
      EndpointDetacher detacher,
      ConnectionPurge purge,
      Striped<Lock> locks) {
    this.host = host;
    this.reaper = reaper;
    this.resources = resources;
    this.registry = registry;
    this.readiness = readiness;
    this.settings = settings;
    this.steps = steps;
    this.guard = guard;
    this.checker = checker;
    this.detacher = detacher;
    this.purge = purge;
    this.locks = locks;
    wiring = new SandboxWiring(kernel, host, reaper, steps);
    veths = new VethMaker(kernel, reaper, wiring, steps);
  }

  /**
   * Attaches an interface once.
   *
   * @param end of the ADD's budget, on the clock of System.nanoTime
   */
  Attachment attach(AttachRequest request, NetworkNamespace sandbox, long end)
      throws AttachException {
    Lock lock = locks.get(request.identity().key());
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
      detacher.finish(identity);
      guard.require(request, () -> resources.list(ResourceKind.WORKLOAD_ENDPOINT));
      for (ProfileDraft profile : request.newProfiles()) {
        registry.ensure(profile);
        steps.reached(EndpointStep.PROFILE_ENSURED);
      }
      int mtu = request.mtu() > 0 ? request.mtu() : settings.defaultMtu().getAsInt();
      SandboxWiring.Plan plan =
          new SandboxWiring.Plan(
              mtu, request.ipForwarding(), request.mac(), request.routes(), request.floating());
      boolean found = host.index(identity.hostInterface().text()).isPresent();
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
      throw AttachException.of("attach", identity, e);
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
      if (registration.fresh() || !checker.isWired(identity, sandbox)) {
        undo.push(() -> reaper.removeNow(identity.hostInterface()));
        wiring.prepare(sandbox, inside, identity, plan);
        purge.await(registration.addresses());
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
      purge.await(registration.addresses());
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

  void close() {
    helpers.shutdown();
  }
}
