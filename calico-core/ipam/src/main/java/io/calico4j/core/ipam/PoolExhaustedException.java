package io.calico4j.core.ipam;

/** No usable pool has a free address for this node. */
public class PoolExhaustedException extends IpamException {
  /** Makes an exception naming the pools. */
  public PoolExhaustedException(String message) {
    super(message);
  }
}
