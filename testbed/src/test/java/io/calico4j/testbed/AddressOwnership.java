package io.calico4j.testbed;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Who has which address, as the plugins said: none may be given to two at once. */
final class AddressOwnership {
  private final Map<String, String> owners = new ConcurrentHashMap<>();

  /** Notes that an ADD has returned an address; fails when it is another container's. */
  void take(String address, String container) {
    String former = owners.putIfAbsent(address, container);
    if (former != null) {
      throw new AssertionError(
          address + " was given to " + container + " while " + former + " has it");
    }
  }

  /** Notes that a DEL begins, after which the address may be given to another one. */
  void leave(String address) {
    owners.remove(address);
  }
}
