package io.calico4j.mesos;

import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import java.util.Optional;

/** How endpoints and addresses of the net-modules road are named and told from others. */
final class NetModules {
  /** The runtime of its endpoints, and the value of {@link #RUNTIME_ATTRIBUTE}. */
  static final String RUNTIME = "net-modules";

  /** What IPAM records with addresses that {@code allocate} and {@code reserve} assigned. */
  static final String RUNTIME_ATTRIBUTE = "runtime";

  /** The endpoint's annotation that names the uid, and so the handle, of its addresses. */
  static final String UID_ANNOTATION = "io.calico4j/mesos-uid";

  /** What a cleanup does besides; written into records, so that it must stay as it is. */
  static final String RELEASE_UID = "net-modules-uid";

  /** The orchestrator and the network of every such endpoint. */
  static final String ORCHESTRATOR = "mesos";

  private static final InterfaceName INTERFACE = new InterfaceName("eth0");

  private NetModules() {}

  /** Returns the uid that an endpoint remembers; empty when there is none that can be read. */
  static Optional<HandleId> uid(Resource<WorkloadEndpointSpec> endpoint) {
    return Optional.ofNullable(endpoint.metadata().annotations().get(UID_ANNOTATION))
        .flatMap(HandleId::tryParse);
  }

  static EndpointIdentity identity(NodeName node, String container) {
    return new EndpointIdentity(ORCHESTRATOR, node, "default", ORCHESTRATOR, container, INTERFACE);
  }
}
