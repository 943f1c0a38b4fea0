package io.calico4j.libnetwork;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** Docker's endpoints of this node in the datastore. Every operation may be repeated. */
final class EndpointStore {
  private static final int ATTEMPTS = 5;

  private final ResourceClient resources;
  private final NodeName node;
  private final Supplier<List<Resource<WorkloadEndpointSpec>>> local;

  /**
   * Makes one.
   *
   * @param local this node's endpoints, from a watched copy
   */
  EndpointStore(
      ResourceClient resources,
      NodeName node,
      Supplier<List<Resource<WorkloadEndpointSpec>>> local) {
    this.resources = resources;
    this.node = node;
    this.local = local;
  }

  /** Returns the node. */
  NodeName node() {
    return node;
  }

  /** Returns the key of an endpoint. */
  ResourceKey key(EndpointId id) {
    return DockerEndpoint.key(node, id);
  }

  /** Returns all that Docker has here, from a copy that may be a moment old. */
  List<DockerEndpoint> all() {
    return local.get().stream().flatMap(e -> DockerEndpoint.of(e, node).stream()).toList();
  }

  /** Returns which endpoint of this node, of whatever orchestrator, has an address. */
  Optional<String> userOf(IpAddress address) {
    String text = address.toCidr().toString();
    return local.get().stream()
        .filter(e -> e.spec().ipNetworks().contains(text))
        .map(e -> e.metadata().name())
        .findFirst();
  }

  /** Reads one. */
  Optional<DockerEndpoint> get(EndpointId id) throws DatastoreException {
    ResourceKey key = key(id);
    return resources
        .get(ResourceKind.WORKLOAD_ENDPOINT, key.namespace(), key.name())
        .map(resource -> new DockerEndpoint(id, resource));
  }

  /** Creates one; one that is there already is returned as it is. */
  DockerEndpoint create(DockerEndpoint endpoint) throws DatastoreException {
    try {
      return new DockerEndpoint(endpoint.id(), resources.create(endpoint.resource()));
    } catch (AlreadyExistsException e) {
      return get(endpoint.id()).orElseThrow(() -> e);
    }
  }

  /** Changes one that exists; empty when it is gone. */
  Optional<DockerEndpoint> change(EndpointId id, UnaryOperator<DockerEndpoint> change)
      throws DatastoreException {
    for (int attempt = 1; ; attempt++) {
      Optional<DockerEndpoint> stored = get(id);
      if (stored.isEmpty()) {
        return stored;
      }
      DockerEndpoint wanted = change.apply(stored.get());
      if (wanted.says(stored.get())) {
        return stored;
      }
      try {
        return Optional.of(new DockerEndpoint(id, resources.update(wanted.resource())));
      } catch (NotFoundException e) {
        return Optional.empty();
      } catch (ConflictException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** Deletes one; one that is gone is fine. */
  void delete(EndpointId id) throws DatastoreException {
    try {
      resources.delete(key(id));
    } catch (NotFoundException e) {
      // It is gone.
    }
  }

  /** Creates a profile unless there is one of its name: an operator's own version stays. */
  void ensure(ProfileDraft profile) throws DatastoreException {
    if (resources.get(ResourceKind.PROFILE, "", profile.name().text()).isPresent()) {
      return;
    }
    try {
      var unused =
          resources.create(
              Resource.create(
                  ResourceKind.PROFILE,
                  Metadata.named(null, profile.name().text()),
                  profile.spec()));
    } catch (AlreadyExistsException e) {
      // Another host was faster.
    }
  }
}
