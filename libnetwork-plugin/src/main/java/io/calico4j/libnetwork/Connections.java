package io.calico4j.libnetwork;

import io.calico4j.core.net.IpAddress;
import java.util.Collection;

/** The connections that the kernel tracks: an address's next owner must not meet earlier ones. */
interface Connections {
  /** Has those of addresses forgotten, soon. */
  void forget(Collection<IpAddress> addresses);

  /** Waits until those that earlier owners have left are forgotten. */
  void awaitForgotten(Collection<IpAddress> addresses);
}
