package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceClient;
import io.calico4j.core.resource.ResourceCodec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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
  private static final int RETRY_SECONDS = 1;

  /** Longer than an etcd that answers again needs for the writes that it has received. */
  private static final int DOUBTFUL_SECONDS = 3;

  private final Datastore datastore;
  private final Kernel kernel;
  private final EndpointReadiness readiness;
  private final Ipam ipam;
  private final EndpointSettings settings;
  private final EndpointStep.Observer steps;
  private final ResourceClient resources;
  private final Netlink host;
  private final LinkReaper reaper;
  private final SandboxWiring wiring;
  private final Lock[] locks = new Lock[LOCKS];
  private final ExecutorService helpers =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "endpoint-helper");
            thread.setDaemon(true);
            return thread;
          });
  private final ScheduledExecutorService takebacks =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "endpoint-takeback");
            thread.setDaemon(true);
            return thread;
          });

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
    host = kernel.netlink();
    reaper = new LinkReaper(kernel, host, settings.deferLinkDeletion());
    reaper.start();
    wiring = new SandboxWiring(kernel, host, reaper, steps);
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Returns the node this attaches endpoints to. */
  public String node() {
    return ipam.node();
  }

  /** Attaches an interface; an endpoint that is there already gives the same answer again. */
  public Attachment attach(AttachRequest request, NetworkNamespace sandbox) throws AttachException {
    Lock lock = lock(request.identity());
    lock.lock();
    try {
      return attachLocked(request, sandbox);
    } finally {
      lock.unlock();
    }
  }

  private Attachment attachLocked(AttachRequest request, NetworkNamespace sandbox)
      throws AttachException {
    EndpointIdentity identity = request.identity();
    Undo undo = new Undo();
    try (Netlink inside = openSandbox(sandbox)) {
      checkSandbox(request, sandbox, inside);
      requireReady();
      for (ProfileDraft profile : request.newProfiles()) {
        ensure(profile);
        steps.reached(EndpointStep.PROFILE_ENSURED);
      }
      int mtu = request.mtu() > 0 ? request.mtu() : settings.defaultMtu().getAsInt();
      SandboxWiring.Plan plan = new SandboxWiring.Plan(mtu, request.ipForwarding());
      Registration registration;
      boolean wired = host.link(identity.hostInterface()).isPresent();
      if (wired) {
        registration = register(request, sandbox, undo);
        wired = !registration.fresh() && isWired(identity, sandbox);
        if (!wired) {
          undo.push(() -> reaper.removeNow(identity.hostInterface()));
          wiring.prepare(sandbox, inside, identity, plan);
        }
      } else {
        undo.push(() -> reaper.removeNow(identity.hostInterface()));
        registration = registerAndPrepare(request, sandbox, inside, plan, undo);
      }
      if (!wired) {
        wiring.address(sandbox, inside, identity, registration.addresses(), plan);
      }
      awaitPolicy(identity, registration.revision());
      return new Attachment(
          registration.addresses(),
          identity.hostInterface(),
          SandboxWiring.HOST_MAC.text(),
          identity.mac(),
          mtu);
    } catch (DatastoreException
        | IpamException
        | KernelException
        | AttachException
        | InterruptedException e) {
      undo.runAfter(e);
      throw failure("attach", identity, e);
    }
  }

  private Netlink openSandbox(NetworkNamespace sandbox) throws AttachException {
    try {
      return kernel.netlink(sandbox);
    } catch (KernelException e) {
      throw new AttachException(Reason.SANDBOX, e.getMessage(), e);
    }
  }

  /** Makes the pair, whose names do not depend on the addresses, while the datastore commits. */
  private Registration registerAndPrepare(
      AttachRequest request,
      NetworkNamespace sandbox,
      Netlink inside,
      SandboxWiring.Plan plan,
      Undo undo)
      throws DatastoreException, IpamException, KernelException, InterruptedException {
    Future<?> prepared =
        helpers.submit(
            () -> {
              wiring.prepare(sandbox, inside, request.identity(), plan);
              return null;
            });
    try {
      return register(request, sandbox, undo);
    } finally {
      awaitPrepared(prepared);
    }
  }

  private static void awaitPrepared(Future<?> prepared)
      throws KernelException, InterruptedException {
    try {
      Object unused = prepared.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KernelException known) {
        throw known;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private void awaitPolicy(EndpointIdentity identity, long revision)
      throws AttachException, InterruptedException {
    if (!readiness.awaitProgrammed(identity.key(), revision, settings.policyTimeout())) {
      throw new AttachException(
          Reason.TRY_AGAIN,
          "policy of "
              + identity
              + " was not in the kernel within "
              + settings.policyTimeout().toSeconds()
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
      List<IpAddress> addresses = addresses(endpoint.spec());
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
          identity.mac(),
          hostLink.mtu());
    } catch (DatastoreException | KernelException e) {
      throw failure("check", identity, e);
    }
  }

  private static AttachException inconsistent(String message) {
    return new AttachException(Reason.INCONSISTENT, message, null);
  }

  /**
   * Detaches an interface: takes the link out of service, then releases its addresses and its
   * registration in one transaction. What is not there is fine.
   */
  public void detach(EndpointIdentity identity) throws AttachException {
    Lock lock = lock(identity);
    lock.lock();
    try {
      reaper.remove(identity.hostInterface());
      steps.reached(EndpointStep.LINK_REMOVED);
      unregister(identity);
      steps.reached(EndpointStep.UNREGISTERED);
      if (settings.awaitRemoval()
          && !readiness.awaitRemoved(identity.key(), 0, settings.policyTimeout())) {
        log.warn("rules of {} are left until calico-node starts", identity);
      }
    } catch (KernelException | DatastoreException | InterruptedException e) {
      throw failure("detach", identity, e);
    } finally {
      lock.unlock();
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
      requireReady();
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
      if (isLinked(identity) || stored.isEmpty() || stored.get().revision() != revision) {
        return false;
      }
      unregister(identity);
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

  private void checkSandbox(AttachRequest request, NetworkNamespace sandbox, Netlink inside)
      throws AttachException {
    String name = request.identity().interfaceName();
    try {
      if (kernel.isOwn(sandbox)) {
        throw new AttachException(
            Reason.SANDBOX,
            sandbox.name()
                + " is the host's own network namespace: give the container one of its own",
            null);
      }
      Optional<Link> link = inside.link(name);
      if (link.isPresent() && !isOurs(request.identity(), link.get())) {
        throw new AttachException(
            Reason.SANDBOX, "interface " + name + " exists already in " + sandbox.name(), null);
      }
    } catch (KernelException e) {
      throw new AttachException(Reason.SANDBOX, e.getMessage(), e);
    }
    steps.reached(EndpointStep.SANDBOX_CHECKED);
  }

  private static boolean isOurs(EndpointIdentity identity, Link link) {
    return link.mac() != null && link.mac().text().equals(identity.mac());
  }

  private boolean isWired(EndpointIdentity identity, NetworkNamespace sandbox) {
    try {
      check(identity, sandbox);
      return true;
    } catch (AttachException e) {
      return false;
    }
  }

  private void requireReady() throws DatastoreException, AttachException {
    ResourceKey key = ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "default");
    Optional<Entry> entry = ipam.reads().get(key.path());
    if (entry.isEmpty()) {
      return;
    }
    Resource<ClusterInformationSpec> information =
        ResourceCodec.decode(ResourceKind.CLUSTER_INFORMATION, entry.get());
    if (Boolean.FALSE.equals(information.spec().datastoreReady())) {
      throw new AttachException(
          Reason.TRY_AGAIN,
          "the datastore is locked (ClusterInformation default, datastoreReady: false): unlock it"
              + " first",
          null);
    }
  }

  private void ensure(ProfileDraft profile) throws DatastoreException {
    String key = ResourceKey.of(ResourceKind.PROFILE, profile.name()).path();
    if (ipam.reads().get(key).isPresent()) {
      return;
    }
    try {
      resources.create(
          Resource.create(
              ResourceKind.PROFILE, Metadata.named(null, profile.name()), profile.spec()));
    } catch (AlreadyExistsException e) {
      // Another host was faster, or the watched copy is behind: the profile is there.
    }
  }

  /** An endpoint in the datastore; fresh when this call made it. */
  private record Registration(List<IpAddress> addresses, long revision, boolean fresh) {}

  /** Registers, and notes how to take that back. */
  private Registration register(AttachRequest request, NetworkNamespace sandbox, Undo undo)
      throws DatastoreException, IpamException {
    Registration registration = register(request, sandbox);
    if (registration.fresh()) {
      undo.push(() -> takeBack(request.identity()));
    }
    steps.reached(EndpointStep.REGISTERED);
    return registration;
  }

  private Registration register(AttachRequest request, NetworkNamespace sandbox)
      throws DatastoreException, IpamException {
    EndpointIdentity identity = request.identity();
    String key = identity.key().path();
    boolean[] repeated = {false};
    Ipam.Companion endpoint =
        (transaction, addresses) -> {
          if (repeated[0] && datastore.get(key).isPresent()) {
            throw new AlreadyExistsException(identity.key() + " exists", null);
          }
          repeated[0] = true;
          List<IpAddress> all = new ArrayList<>(request.held());
          all.addAll(addresses);
          transaction.create(
              key, ResourceCodec.encode(resources.prepareCreate(resource(request, sandbox, all))));
        };
    Map<String, String> attributes = new HashMap<>();
    attributes.put("node", identity.node());
    attributes.put("namespace", identity.namespace());
    attributes.put("interface", identity.interfaceName());
    attributes.put("timestamp", Instant.now().toString());
    try {
      Ipam.Assignment assignment =
          ipam.assign(
              new AssignRequest(
                  AssignRequest.Use.Workload,
                  identity.handleId(),
                  request.held().isEmpty() ? request.ipv4Count() : 0,
                  request.held().isEmpty() ? request.ipv6Count() : 0,
                  request.ipv4Pools(),
                  request.ipv6Pools(),
                  request.held().isEmpty() ? request.fixed() : List.of(),
                  attributes),
              endpoint);
      List<IpAddress> all = new ArrayList<>(request.held());
      all.addAll(assignment.addresses());
      return new Registration(all, assignment.revision(), true);
    } catch (AlreadyExistsException | IpamException | UnavailableException e) {
      return existing(identity, e);
    }
  }

  /** Answers with the endpoint that is there; else the failure stands. */
  private Registration existing(EndpointIdentity identity, Exception failure)
      throws DatastoreException, IpamException {
    if (failure instanceof UnavailableException unavailable) {
      if (!unavailable.safeToRedo()) {
        takeBackDoubtful(identity);
      }
      throw unavailable;
    }
    Optional<Resource<WorkloadEndpointSpec>> stored =
        resources.get(ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name());
    if (stored.isPresent()) {
      return new Registration(addresses(stored.get().spec()), stored.get().revision(), false);
    }
    if (failure instanceof IpamException refused) {
      throw refused;
    }
    throw (DatastoreException) failure;
  }

  private static Resource<WorkloadEndpointSpec> resource(
      AttachRequest request, NetworkNamespace sandbox, List<IpAddress> addresses) {
    EndpointIdentity identity = request.identity();
    boolean cni = identity.orchestrator().equals("cni");
    return Resource.create(
        ResourceKind.WORKLOAD_ENDPOINT,
        Metadata.named(identity.namespace(), identity.key().name())
            .withLabels(request.labels())
            .withAnnotations(
                new ContainerTrace(identity, request.runtime(), sandbox.name()).annotations()),
        new WorkloadEndpointSpec(
            identity.orchestrator(),
            identity.node(),
            cni ? null : identity.workload(),
            null,
            identity.workload(),
            identity.interfaceName(),
            addresses.stream().map(a -> a.toCidr().toString()).toList(),
            request.profiles(),
            identity.hostInterface(),
            identity.mac(),
            List.of(),
            null,
            List.of(),
            List.of()));
  }

  private static List<IpAddress> addresses(WorkloadEndpointSpec spec) {
    return spec.ipNetworks().stream().map(text -> Cidr.parse(text).address()).toList();
  }

  private void unregister(EndpointIdentity identity) throws DatastoreException {
    String key = identity.key().path();
    ipam.release(
        identity.handleId(),
        owner -> isOfInterface(owner.secondary().get("interface"), identity),
        (transaction, addresses) -> transaction.delete(key));
  }

  /**
   * Undoes a registration; while the datastore is away this is tried again in the background,
   * unless the endpoint has been attached after all.
   */
  private boolean takeBack(EndpointIdentity identity) {
    try {
      unregister(identity);
      return true;
    } catch (DatastoreException e) {
      log.warn("registration of {} must be taken back, will try again: {}", identity, e.toString());
      later(() -> takeBackUnlessLinked(identity, true), RETRY_SECONDS);
      return false;
    }
  }

  /**
   * Undoes a registration of which nobody knows whether it is there: an etcd that hung may do the
   * write after it has answered the reads of the first pass, so that a second one follows.
   */
  private void takeBackDoubtful(EndpointIdentity identity) {
    if (takeBack(identity)) {
      later(() -> takeBackUnlessLinked(identity, false), DOUBTFUL_SECONDS);
    }
  }

  private void later(Runnable task, int seconds) {
    if (settings.deferLinkDeletion()) {
      var unused = takebacks.schedule(task, seconds, TimeUnit.SECONDS);
    }
  }

  private void takeBackUnlessLinked(EndpointIdentity identity, boolean doubtful) {
    Lock lock = lock(identity);
    lock.lock();
    try {
      if (isLinked(identity)) {
        return;
      }
      if (doubtful) {
        takeBackDoubtful(identity);
      } else {
        boolean unused = takeBack(identity);
      }
    } catch (AttachException e) {
      log.warn("registration of {} is left: {}", identity, e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  /**
   * An address without a recorded interface was assigned by another tool for the whole container.
   */
  private static boolean isOfInterface(@Nullable String recorded, EndpointIdentity identity) {
    return recorded == null || recorded.equals(identity.interfaceName());
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
    host.close();
  }
}
