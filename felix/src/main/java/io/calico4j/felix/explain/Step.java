package io.calico4j.felix.explain;

import io.calico4j.felix.explain.PolicyTrace.Decision;

/**
 * What one place of a node says of a packet.
 *
 * @param place where policy is asked, in words
 * @param of the endpoint whose policy it is as {@code Kind(namespace/name)}, or the node
 * @param effect what happens to the packet there
 * @param decision what decided
 */
public record Step(String place, String of, Effect effect, Decision decision) {
  /** What happens to a packet. */
  public enum Effect {
    /** It passes this place. */
    ALLOWED,
    /** It is dropped. */
    DENIED,
    /** Nothing is decided, and the packet goes on as if the place were not there. */
    GOES_ON
  }
}
