package io.calico4j.core.kernel;

/**
 * Tells of changes of links, addresses, routes, neighbours and forwarding settings in this
 * process's network namespace, whoever makes them.
 */
public interface LinkMonitor extends AutoCloseable {
  /** Hears of changes, on a thread of the monitor. */
  interface Listener {
    /**
     * Something has changed.
     *
     * @param interfaceIndex the interface that it concerns; 0 where the kernel names none, negative
     *     for a setting of all of them
     */
    void changed(Subject subject, int interfaceIndex);

    /** Notifications were lost: anything may have changed. */
    void lost();
  }

  /** What has changed. */
  enum Subject {
    /** An interface, or its state. */
    LINK,
    /** An address of an interface. */
    ADDRESS,
    /** A route of any table. */
    ROUTE,
    /** A neighbour, or an entry of a forwarding database. */
    NEIGHBOUR,
    /** A sysctl of an interface: forwarding, rp_filter, proxy_arp, proxy_ndp. */
    SETTING
  }

  @Override
  void close();
}
