package io.calico4j.felix.dataplane.nft;

/** Runs nftables commands: everything in one text is one transaction. */
public interface Nft extends AutoCloseable {
  /**
   * Runs commands; either all take effect or none.
   *
   * @throws NftException with nftables' own words when they are refused
   */
  void run(String commands) throws NftException;

  /** Asks the kernel whether it would take commands; changes nothing. */
  void check(String commands) throws NftException;

  @Override
  void close();

  /** nftables refused a transaction; nothing was changed. */
  final class NftException extends Exception {
    /** Makes an exception with what nftables said. */
    public NftException(String message) {
      super(message);
    }
  }
}
