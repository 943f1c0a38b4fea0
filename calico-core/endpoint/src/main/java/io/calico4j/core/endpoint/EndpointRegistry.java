package io.calico4j.core.endpoint;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.UnreachableException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationFilter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The datastore's side of attaching and detaching: addresses, handle and WorkloadEndpoint come and
 * go in one transaction, and one of which nobody knows whether it happened is taken back.
 */
final class EndpointRegistry {
  private static final Logger log = LoggerFactory.getLogger(EndpointRegistry.class);
  private static final int RETRY_SECONDS = 1;

  /** Longer than an etcd that answers again needs for the writes that it has received. */
  private static final int DOUBTFUL_SECONDS = 3;

  private final Datastore datastore;
  private final ResourceClient resources;
  private final Ipam ipam;
  private final EndpointStep.Observer steps;
  private final Later later;
  private final UnlessLinked unlessLinked;

  /** Runs a task after so many seconds; a process that serves one request does not. */
  interface Later {
    void run(Runnable task, int seconds);
  }

  /** Runs a task while nobody attaches the endpoint, unless its pair is in the kernel. */
  interface UnlessLinked {
    void run(EndpointIdentity identity, Runnable task);
  }

  EndpointRegistry(
      Datastore datastore,
      ResourceClient resources,
      Ipam ipam,
      EndpointStep.Observer steps,
      Later later,
      UnlessLinked unlessLinked) {
    this.datastore = datastore;
    this.resources = resources;
    this.ipam = ipam;
    this.steps = steps;
    this.later = later;
    this.unlessLinked = unlessLinked;
  }

  /** The ClusterInformation that last said so; it need not be read again. */
  private volatile @Nullable Entry foundReady;

  /** Demands that the datastore is not locked. */
  void requireReady() throws DatastoreException, AttachException {
    ResourceKey key = ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "default");
    Optional<Entry> entry = ipam.reads().get(key.path());
    if (entry.isEmpty() || entry.get().equals(foundReady)) {
      return;
    }
    Optional<Resource<ClusterInformationSpec>> information =
        ValidationFilter.silent().accept(ResourceKind.CLUSTER_INFORMATION, entry.get());
    // A damaged one locks nothing.
    if (information.isEmpty() || !Boolean.FALSE.equals(information.get().spec().datastoreReady())) {
      foundReady = entry.get();
    } else {
      throw new AttachException(
          Reason.TRY_AGAIN,
          "the datastore is locked (ClusterInformation default, datastoreReady: false): unlock it"
              + " first, with calicoctl datastore migrate unlock",
          null);
    }
  }

  /** Creates a profile unless there is one of its name. */
  void ensure(ProfileDraft profile) throws DatastoreException {
    String key = ResourceKey.of(ResourceKind.PROFILE, profile.name().text()).path();
    if (ipam.reads().get(key).isPresent()) {
      return;
    }
    try {
      resources.create(
          Resource.create(
              ResourceKind.PROFILE, Metadata.named(null, profile.name().text()), profile.spec()));
    } catch (AlreadyExistsException e) {
      // Another host was faster, or the watched copy is behind: the profile is there.
    }
  }

  /** An endpoint in the datastore; fresh when this call made it. */
  record Registration(List<IpAddress> addresses, String mac, long revision, boolean fresh) {}

  /** Registers, and notes how to take that back. */
  Registration register(AttachRequest request, NetworkNamespace sandbox, Undo undo)
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
    Ipam.FurtherWrites endpoint = new Creation(request, sandbox);
    Map<String, String> attributes = new HashMap<>();
    attributes.put("node", identity.node().text());
    attributes.put("namespace", identity.namespace());
    attributes.put("interface", identity.interfaceName().text());
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
      return new Registration(all, request.mac().text(), assignment.revision(), true);
    } catch (AlreadyExistsException | IpamException | UnavailableException e) {
      return existing(identity, e);
    }
  }

  /** Makes the endpoint of the addresses, in their transaction. */
  private final class Creation implements Ipam.FurtherWrites {
    private final AttachRequest request;
    private final NetworkNamespace sandbox;
    private boolean repeated;

    Creation(AttachRequest request, NetworkNamespace sandbox) {
      this.request = request;
      this.sandbox = sandbox;
    }

    @Override
    public void addTo(Transaction.Builder transaction, List<IpAddress> addresses)
        throws DatastoreException {
      ResourceKey endpoint = request.identity().key();
      if (repeated && datastore.get(endpoint.path()).isPresent()) {
        throw new AlreadyExistsException(endpoint + " exists", null);
      }
      repeated = true;
      List<IpAddress> all = Stream.concat(request.held().stream(), addresses.stream()).toList();
      transaction.create(
          endpoint.path(),
          ResourceCodec.encode(resources.prepareCreate(resource(request, sandbox, all))));
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
      WorkloadEndpointSpec spec = stored.get().spec();
      return new Registration(addresses(spec), mac(spec, identity), stored.get().revision(), false);
    }
    if (failure instanceof IpamException refused) {
      throw refused;
    }
    throw (DatastoreException) failure;
  }

  private static Resource<WorkloadEndpointSpec> resource(
      AttachRequest request, NetworkNamespace sandbox, List<IpAddress> addresses) {
    EndpointIdentity identity = request.identity();
    Map<String, String> annotations = new HashMap<>(request.annotations());
    annotations.putAll(
        new ContainerTrace(identity, request.runtime(), sandbox.name()).annotations());
    return Resource.create(
        ResourceKind.WORKLOAD_ENDPOINT,
        Metadata.named(identity.namespace(), identity.key().name())
            .withLabels(request.labels())
            .withAnnotations(annotations),
        new WorkloadEndpointSpec(
            identity.orchestrator(),
            identity.node().text(),
            request.workload().isEmpty() ? null : request.workload(),
            null,
            identity.workload(),
            identity.interfaceName().text(),
            addresses.stream().map(a -> a.toCidr().toString()).toList(),
            request.profiles().stream().map(ProfileName::text).toList(),
            identity.hostInterface().text(),
            request.mac().text(),
            request.ports(),
            null,
            nats(request.floating(), addresses),
            request.allowedSources().stream().map(Cidr::toString).toList()));
  }

  /** Translates each floating address to the first address of its family. */
  private static List<IpNat> nats(List<IpAddress> floating, List<IpAddress> addresses) {
    List<IpNat> nats = new ArrayList<>();
    for (IpAddress external : floating) {
      IpAddress internal =
          addresses.stream().filter(a -> a.family() == external.family()).findFirst().orElseThrow();
      nats.add(new IpNat(internal.toString(), external.toString()));
    }
    return nats;
  }

  /** Returns the container end's MAC address. */
  static String mac(WorkloadEndpointSpec spec, EndpointIdentity identity) {
    return Objects.requireNonNullElse(spec.mac(), identity.mac());
  }

  /** Returns an endpoint's addresses. */
  static List<IpAddress> addresses(WorkloadEndpointSpec spec) {
    return spec.ipNetworks().stream().map(text -> Cidr.parse(text).address()).toList();
  }

  /** Returns the endpoint as it is stored. */
  Optional<Resource<WorkloadEndpointSpec>> stored(EndpointIdentity identity)
      throws DatastoreException {
    return resources.get(
        ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name());
  }

  /** Releases the addresses and deletes the endpoint in one transaction. */
  void unregister(EndpointIdentity identity) throws DatastoreException {
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
      if (UnreachableException.isReasonOf(e)) {
        log.debug("registration of {} is taken back later: {}", identity, e.toString());
      } else {
        log.warn("registration of {} must be taken back, tried again: {}", identity, e.toString());
      }
      later.run(() -> unlessLinked.run(identity, () -> takeBackDoubtful(identity)), RETRY_SECONDS);
      return false;
    }
  }

  /**
   * Undoes a registration of which nobody knows whether it is there: an etcd that hung may do the
   * write after it has answered the reads of the first pass, so that a second one follows.
   */
  private void takeBackDoubtful(EndpointIdentity identity) {
    if (takeBack(identity)) {
      later.run(
          () ->
              unlessLinked.run(
                  identity,
                  () -> {
                    boolean unused = takeBack(identity);
                  }),
          DOUBTFUL_SECONDS);
    }
  }

  /**
   * An address without a recorded interface was assigned by another tool for the whole container.
   */
  static boolean isOfInterface(@Nullable String recorded, EndpointIdentity identity) {
    return recorded == null || recorded.equals(identity.interfaceName().text());
  }
}
