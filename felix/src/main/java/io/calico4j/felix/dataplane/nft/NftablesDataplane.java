package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.rules.TableWriter;
import java.util.OptionalInt;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the table as it ought to be. The first apply, and every one after a failure, replaces the
 * whole table in one transaction, while a copy of it is in force; the others send differences.
 * Where only elements of address sets and verdict maps differ, as when an endpoint comes to which
 * the same applies as to one before it, they are changed without libnftables, which would first
 * read the table. For that reason too, chains and sets that nothing leads to any more stay until
 * {@link #removeUnused}: a container is often replaced by one of its kind.
 */
public final class NftablesDataplane implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NftablesDataplane.class);

  /** In a transaction without libnftables; each takes some 150 bytes. */
  private static final int MAX_ELEMENTS = 100;

  private final Nft nft;
  private final NftSets sets;
  private final Generation generation;
  private final PacketsOnTheirWay packets;
  private final Refusals refusals;
  private final OwnGenerations own = new OwnGenerations();
  private final TableState table = new TableState();
  private final TableCounts counts = new TableCounts();
  private boolean known;
  private long replacements;

  /** The table of the family inet that this dataplane owns. */
  public static final String TABLE = NftTable.NAME;

  /** Tells the generation of the last transaction of nftables. */
  public interface Generation {
    /** Asks the kernel. */
    int now() throws KernelException;
  }

  /** The packets that rules are being asked about. */
  public interface PacketsOnTheirWay {
    /** Waits until those of the moment of the call have been through all rules. */
    void await() throws KernelException;
  }

  /**
   * Makes a dataplane that has not looked at the kernel yet; takes the first two over.
   *
   * @param generation asked before and after each transaction, to tell own ones from those of
   *     others
   * @param packets waited for before members go that former rules ask for
   */
  public NftablesDataplane(
      Nft nft, NftSets sets, Generation generation, PacketsOnTheirWay packets) {
    this.nft = nft;
    this.sets = sets;
    this.generation = generation;
    this.packets = packets;
    refusals = new Refusals(nft);
  }

  /** Returns where to put what ought to be in the table; in force after the next apply. */
  public TableWriter table() {
    return table;
  }

  /** Brings the kernel to the table; on failure the next call starts from nothing known. */
  public void apply() throws NftException {
    refusals.retain(table);
    if (table.isDirty(refusals.names())) {
      // What was refused is another one now: it may be taken.
      invalidate();
    }
    try {
      update();
    } catch (NftException e) {
      if (!refusals.find(table)) {
        throw e;
      }
      log.error("the kernel refuses {}: {}", refusals.names(), e.getMessage());
      update();
    }
  }

  /**
   * Returns the chains and sets that the kernel refuses, and in whose place something that closes
   * is in force.
   */
  public Set<String> refused() {
    return refusals.names();
  }

  /** Returns how often the whole table has been replaced: all rules count from zero then. */
  public long replacements() {
    return replacements;
  }

  /** Tells whether the next apply replaces the whole table, as far as that is known. */
  public boolean isReplacing() {
    return !known || table.isDirty(refusals.names());
  }

  /** Returns how much is in the table, as it was written last. */
  public TableFigures figures() {
    return counts.figures();
  }

  /** Tells whether there are chains or sets that nothing leads to. */
  public boolean hasUnused() {
    return table.hasUnused();
  }

  /** Removes the chains and sets that nothing leads to. */
  public void removeUnused() throws NftException {
    if (!known) {
      return;
    }
    known = false;
    Difference unused = table.unused();
    run(NftTable.change(unused));
    counts.sent(unused);
    table.commitUnused();
    known = true;
  }

  private void update() throws NftException {
    Difference difference = refusals.without(table.difference());
    if (known && difference.isEmpty()) {
      table.commit();
      return;
    }
    boolean before = known;
    known = false;
    if (!before || !change(difference)) {
      table.forget();
      difference = refusals.without(table.difference());
      replace(NftTable.replaceAll(difference));
      counts.replaced();
      replacements++;
    }
    counts.sent(difference);
    table.commit();
    known = true;
  }

  private void replace(String all) throws NftException {
    try {
      nft.check(NftTable.PRESENT);
      run(NftTable.hold(all));
    } catch (NftException e) {
      // No table is there that is replaced; or what is refused of one is refused of the other.
      log.debug("the table is written without another one in force: {}", e.getMessage());
    }
    try {
      run(all);
    } finally {
      release(); // Also one that an agent has left that was killed here.
    }
  }

  private void release() {
    try {
      run(NftTable.RELEASE);
    } catch (NftException e) {
      log.error("the table inet calico-hold is left in force, delete it: {}", e.getMessage());
    }
  }

  private void run(String text) throws NftException {
    OptionalInt before = generation();
    nft.run(text);
    noteGeneration(before);
  }

  /**
   * Notes the generation that an own transaction has made. Where another program's came in between,
   * it is not known which one is whose: none is noted, and the table is written once too often.
   */
  private void noteGeneration(OptionalInt before) {
    OptionalInt after = generation();
    if (before.isPresent() && after.isPresent() && after.getAsInt() - before.getAsInt() == 1) {
      own.add(after.getAsInt());
    }
  }

  private OptionalInt generation() {
    try {
      return OptionalInt.of(generation.now());
    } catch (KernelException e) {
      log.warn("the table is written again, its generation is not known: {}", e.getMessage());
      return OptionalInt.empty();
    }
  }

  /** Tells whether another program made this transaction of the table. */
  public boolean isForeign(int changed) {
    return !own.contains(changed);
  }

  /** Tells whether another program may have made a transaction since the last own one. */
  public boolean mayBeForeign() {
    try {
      return generation.now() != own.last();
    } catch (KernelException e) {
      return true;
    }
  }

  /** Sends the difference in stages; false when the kernel refused one. */
  private boolean change(Difference difference) {
    try {
      Stages stages = Stages.of(difference);
      send(stages.grow());
      send(stages.change());
      if (!stages.shrink().isEmpty()) {
        awaitPackets();
        send(stages.shrink());
      }
      return true;
    } catch (NftException | KernelException e) {
      log.warn("a change of the table was refused, it is written anew: {}", e.getMessage());
      return false;
    }
  }

  private void send(Difference difference) throws NftException, KernelException {
    if (difference.isEmpty()) {
      return;
    }
    if (difference.hasElementsOnly() && difference.elements() <= MAX_ELEMENTS) {
      OptionalInt before = generation();
      sets.change(NftTable.NAME, NftTable.removed(difference), NftTable.added(difference));
      noteGeneration(before);
    } else {
      run(NftTable.change(difference));
    }
  }

  private void awaitPackets() {
    try {
      packets.await();
    } catch (KernelException e) {
      log.debug("packets that are on their way are not waited for: {}", e.getMessage());
    }
  }

  /** Makes the next apply replace the whole table: puts right what others changed in it. */
  public void invalidate() {
    known = false;
    refusals.forget();
  }

  @Override
  public void close() {
    sets.close();
    nft.close();
  }
}
