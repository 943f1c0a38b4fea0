package io.calico4j.core.ipam;

import io.calico4j.core.net.IpAddress;

/** A requested address is held by another handle. */
public final class AddressInUseException extends IpamException {
  private final transient IpAddress address;

  /**
   * Makes an exception with a message for the operator.
   *
   * @param holder the handle that holds the address
   */
  AddressInUseException(IpAddress address, String holder) {
    super("address " + address + " is held by handle " + holder);
    this.address = address;
  }

  /** Returns the address. */
  public IpAddress address() {
    return address;
  }
}
