package io.calico4j.core.plugin;

/** How a request ended. */
public sealed interface Outcome {
  /** It was served. */
  record Served() implements Outcome {}

  /**
   * It failed with a CNI error.
   *
   * @param code a code of CniError, or what another plugin gave
   */
  record CniFailure(int code) implements Outcome {}

  /** It failed, and the caller speaks the protocol of net-modules, which has no codes. */
  enum NetModulesFailure implements Outcome {
    /** An address that was asked for is another container's. */
    ADDRESS_IN_USE,
    /** Anything else: the message says what. */
    REFUSED
  }
}
