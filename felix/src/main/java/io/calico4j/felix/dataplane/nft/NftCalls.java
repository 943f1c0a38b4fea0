package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftSets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what nftables is asked, on the way to it. Safe for use by many threads. */
public final class NftCalls implements Nft, NftListing, NftSets {
  private final LibNftables nft;
  private final NftSets sets;
  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong runErrors = new AtomicLong();
  private final AtomicLong lists = new AtomicLong();
  private final AtomicLong listErrors = new AtomicLong();
  private final AtomicLong changes = new AtomicLong();
  private final AtomicLong changeErrors = new AtomicLong();

  /**
   * How often nftables was asked, and how often it refused.
   *
   * @param runs transactions through libnftables
   * @param lists listings
   * @param changes transactions of elements of sets and maps, without libnftables
   */
  public record Figures(
      long runs, long runErrors, long lists, long listErrors, long changes, long changeErrors) {}

  /** Takes both over. */
  public NftCalls(LibNftables nft, NftSets sets) {
    this.nft = nft;
    this.sets = sets;
  }

  /** Returns the figures. */
  public Figures figures() {
    return new Figures(
        runs.get(),
        runErrors.get(),
        lists.get(),
        listErrors.get(),
        changes.get(),
        changeErrors.get());
  }

  @Override
  public void run(String commands) throws NftException {
    runs.incrementAndGet();
    try {
      nft.run(commands);
    } catch (NftException e) {
      runErrors.incrementAndGet();
      throw e;
    }
  }

  /** Is not counted: it changes nothing, and may be meant to be refused. */
  @Override
  public void check(String commands) throws NftException {
    nft.check(commands);
  }

  @Override
  public String list(String command) throws NftException {
    lists.incrementAndGet();
    try {
      return nft.list(command);
    } catch (NftException e) {
      listErrors.incrementAndGet();
      throw e;
    }
  }

  @Override
  public void change(String table, List<Element> removed, List<Element> added)
      throws KernelException {
    changes.incrementAndGet();
    try {
      sets.change(table, removed, added);
    } catch (KernelException e) {
      changeErrors.incrementAndGet();
      throw e;
    }
  }

  /** Closes both. */
  @Override
  public void close() {
    sets.close();
    nft.close();
  }
}
