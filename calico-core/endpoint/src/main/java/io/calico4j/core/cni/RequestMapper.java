package io.calico4j.core.cni;

import io.calico4j.core.endpoint.AttachRequest;
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
  Optional<AttachRequest> map(CniRequest request, String node) throws CniError;
}
