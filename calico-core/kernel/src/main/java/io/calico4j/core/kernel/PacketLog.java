package io.calico4j.core.kernel;

/**
 * Hears of packets that rules log to a group ({@code log group N} of nftables), in this process's
 * network namespace. The kernel delivers a group to one listener only; packets of a group without a
 * listener are not logged.
 */
public interface PacketLog extends AutoCloseable {
  /**
   * A logged packet.
   *
   * @param prefix what the rule says, at most 127 bytes
   * @param in the interface that it came by; empty when there is none or it is gone
   * @param out the interface that it leaves by, so
   * @param start its first bytes, from the IP header on: as many as the rule or the listener asks
   *     for
   */
  record Logged(String prefix, String in, String out, byte[] start) {}

  /** Hears of packets, on a thread of the log. */
  interface Listener {
    /** A packet was logged. */
    void packet(Logged packet);

    /** Packets were logged faster than they were taken: some are lost. */
    void lost();
  }

  /** Leaves the group at once, so that another may listen; a packet on its way may still come. */
  @Override
  void close();
}
