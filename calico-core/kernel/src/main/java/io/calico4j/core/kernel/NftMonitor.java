package io.calico4j.core.kernel;

/**
 * Tells of the transactions of nftables in this process's network namespace that change a table,
 * whoever makes them. The kernel numbers transactions: the number is called generation.
 */
public interface NftMonitor extends AutoCloseable {
  /** Hears of transactions, on a thread of the monitor. */
  interface Listener {
    /** The transaction of this generation changed something of the table. */
    void changed(int generation);

    /** Notifications were lost: any number of transactions may have changed anything. */
    void lost();
  }

  /** Returns the generation of the last transaction, of any table. */
  int generation() throws KernelException;

  @Override
  void close();
}
