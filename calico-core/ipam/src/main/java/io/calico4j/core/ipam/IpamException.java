package io.calico4j.core.ipam;

/** An assignment that cannot be made; the message says why and what to do. */
public class IpamException extends Exception {
  /** Makes an exception with a message for the operator. */
  public IpamException(String message) {
    super(message);
  }
}
