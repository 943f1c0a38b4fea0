package io.calico4j.core.cni;

import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.name.NodeName;
import java.util.Optional;

/**
 * Recognises an orchestrator's CNI requests and says what they ask for, so that one executable
 * serves them all. The first mapper that recognises a request decides.
 */
public interface RequestMapper {
  /**
   * Maps a request; empty when it is another orchestrator's.
   *
   * @param request the request, checked for form
   * @param node the node's name
   * @throws CniError when the request is this orchestrator's but cannot be understood
   */
  Optional<AttachRequest> map(CniRequest request, NodeName node) throws CniError;

  /**
   * Says whose interface a request is about; empty when it is another orchestrator's. One that need
   * not read for this what only an ADD needs does not.
   *
   * @param request the request, checked for form
   * @param node the node's name
   * @throws CniError when the request is this orchestrator's but cannot be understood
   */
  default Optional<EndpointIdentity> identify(CniRequest request, NodeName node) throws CniError {
    return map(request, node).map(AttachRequest::identity);
  }

  /**
   * Tells whether this orchestrator reads a container's addresses from {@code ip4} and {@code ip6}
   * only, so that results of newer spec versions must have these members too.
   */
  default boolean readsFamilyMembers() {
    return false;
  }
}
