package io.calico4j.felix.dataplane.nft;

import io.calico4j.felix.dataplane.nft.Nft.NftException;

/** Reads what is in nftables, tables of other programs included. */
public interface NftListing {
  /**
   * Runs a command that lists.
   *
   * @param command such as {@code list chains}
   * @return nftables' JSON, as libnftables-json(5) describes it
   * @throws NftException with nftables' own words when it is refused
   */
  String list(String command) throws NftException;
}
