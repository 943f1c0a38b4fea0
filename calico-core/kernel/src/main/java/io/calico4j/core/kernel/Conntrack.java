package io.calico4j.core.kernel;

import io.calico4j.core.net.IpAddress;
import java.util.function.Predicate;

/**
 * The kernel's connection tracking in this process's network namespace. Safe for use by many
 * threads: those that arrive while the entries are being read share the next reading.
 */
public interface Conntrack extends AutoCloseable {
  /**
   * Deletes every entry in which a chosen address is source or destination, of the original or of
   * the reply direction, so that translated connections are found too.
   *
   * @param chosen tells whether entries with an address go; called on any thread
   * @return how many entries were deleted, for all who shared the reading
   * @throws KernelException when entries could not be read or deleted; some may be gone then
   */
  int delete(Predicate<IpAddress> chosen) throws KernelException;

  /** Tells whether the kernel has ctnetlink; without it nothing is ever deleted. */
  boolean isSupported();

  @Override
  void close();
}
