package io.calico4j.core.ipam;

/** A requested address is held by another handle. */
public class AddressInUseException extends IpamException {
  /** Makes an exception naming the address and who holds it. */
  public AddressInUseException(String message) {
    super(message);
  }
}
