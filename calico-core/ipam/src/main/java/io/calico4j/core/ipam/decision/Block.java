package io.calico4j.core.ipam.decision;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.stream.JsonWriter;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An IPAM block: which ordinal of a small CIDR is held by whom. Immutable; every change returns a
 * new block. The JSON is Calico v3's ({@code libcalico-go/lib/backend/model}, AllocationBlock):
 * {@code cidr, affinity, affinity_claim_time, allocations, unallocated, attributes, sequenceNumber,
 * sequenceNumberForAllocation, deleted}. Unknown members survive.
 */
public final class Block {
  /** No owner: of an ordinal that is free. */
  static final int FREE = -1;

  private final Frame frame;

  /** By ordinal, the index of the owner, or {@link #FREE}. */
  private final int[] allocations;

  /** Those who hold addresses; each holds at least one. */
  private final List<Owner> owners;

  /** The free ordinals, the next one to assign first. */
  private final int[] unallocated;

  private final long sequenceNumber;

  /** By ordinal, the sequence number when it was assigned; 0 where it is free or not known. */
  private final long[] assignedAt;

  /**
   * What assignments do not change.
   *
   * @param cidr the block's network
   * @param affinity whose it is
   * @param others the members that are not known here, and the claim time
   */
  record Frame(Cidr cidr, @Nullable String affinity, JsonObject others) {}

  Block(
      Frame frame,
      int[] allocations,
      List<Owner> owners,
      int[] unallocated,
      long sequenceNumber,
      long[] assignedAt) {
    this.frame = frame;
    this.allocations = allocations;
    this.owners = owners;
    this.unallocated = unallocated;
    this.sequenceNumber = sequenceNumber;
    this.assignedAt = assignedAt;
  }

  /**
   * Who holds an address.
   *
   * @param handleId the handle as it is stored, which may be no handle's id; null in old data
   * @param secondary attributes such as node, pod, type, timestamp
   * @param others members of the attribute that are not known here; they survive
   */
  public record Owner(
      @Nullable String handleId, SortedMap<String, String> secondary, JsonObject others) {
    /** Makes the owner of a new assignment. */
    public static Owner of(HandleId handleId, Map<String, String> secondary) {
      return new Owner(
          handleId.text(),
          Collections.unmodifiableSortedMap(new TreeMap<>(secondary)),
          new JsonObject());
    }

    /** Returns the handle; empty when there is none, or when its id cannot be read. */
    public Optional<HandleId> handle() {
      return Optional.ofNullable(handleId).flatMap(HandleId::tryParse);
    }

    /** Tells whether it is this handle that holds the address. */
    public boolean isHeldBy(HandleId handle) {
      return handle.text().equals(handleId);
    }

    private void write(JsonWriter json) throws IOException {
      json.beginObject().name("handle_id").value(handleId).name("secondary").beginObject();
      for (Map.Entry<String, String> attribute : secondary.entrySet()) {
        json.name(attribute.getKey()).value(attribute.getValue());
      }
      json.endObject();
      writeAll(json, others);
      json.endObject();
    }
  }

  /**
   * The outcome of an assignment.
   *
   * @param block the block afterwards
   * @param addresses what was assigned, possibly fewer than asked for
   */
  public record Assigned(Block block, List<IpAddress> addresses) {}

  /**
   * The outcome of a release.
   *
   * @param block the block afterwards
   * @param addresses what was released
   */
  public record Released(Block block, List<IpAddress> addresses) {}

  /**
   * Makes an empty block with an affinity.
   *
   * @param cidr the block
   * @param affinity such as {@code host:node-1}
   * @param claimTime RFC 3339 text
   * @param sequenceNumber the wall clock in nanoseconds, as upstream starts it
   */
  public static Block empty(Cidr cidr, String affinity, String claimTime, long sequenceNumber) {
    int size = cidr.size().intValueExact();
    int[] free = new int[size];
    for (int i = 0; i < size; i++) {
      free[i] = i;
    }
    JsonObject others = new JsonObject();
    others.addProperty("affinity_claim_time", claimTime);
    int[] allocations = new int[size];
    Arrays.fill(allocations, FREE);
    return new Block(
        new Frame(cidr, affinity, others),
        allocations,
        List.of(),
        free,
        sequenceNumber,
        new long[size]);
  }

  /**
   * Reads a stored block; an ordinal in cool-down counts as free again.
   *
   * @throws IllegalArgumentException when the text is no valid block; says what is wrong
   */
  public static Block parse(String json) {
    return BlockReader.read(json);
  }

  /** Returns the block's network. */
  public Cidr cidr() {
    return frame.cidr();
  }

  /** Returns {@code host:NODE}, {@code virtual:NAME} or null. */
  public @Nullable String affinity() {
    return frame.affinity();
  }

  /** Returns the number of free addresses. */
  public int freeCount() {
    return unallocated.length;
  }

  /** Tells whether nobody holds an address. */
  public boolean isEmpty() {
    return unallocated.length == allocations.length;
  }

  /** Returns who holds the address; null when it is free or outside. */
  public @Nullable Owner owner(IpAddress address) {
    int ordinal = ordinal(address);
    return ordinal < 0 ? null : owner(ordinal);
  }

  private @Nullable Owner owner(int ordinal) {
    int index = allocations[ordinal];
    return index == FREE ? null : owners.get(index);
  }

  /** Returns the block's sequence number when the address was assigned; 0 when it is not known. */
  public long assignedAt(IpAddress address) {
    int ordinal = ordinal(address);
    return ordinal < 0 ? 0 : assignedAt[ordinal];
  }

  /** Returns the addresses whose owner passes the test, ascending. */
  public List<IpAddress> addresses(Predicate<Owner> test) {
    List<IpAddress> found = new ArrayList<>();
    for (int i = 0; i < allocations.length; i++) {
      Owner owner = owner(i);
      if (owner != null && test.test(owner)) {
        found.add(frame.cidr().address().plus(i));
      }
    }
    return found;
  }

  private int ordinal(IpAddress address) {
    return frame.cidr().contains(address)
        ? address.value().subtract(frame.cidr().address().value()).intValueExact()
        : -1;
  }

  /** Assigns up to {@code count} addresses from the front of the free list. */
  public Assigned assign(int count, Owner owner) {
    return assign(count, owner, address -> true);
  }

  /** Assigns up to {@code count} addresses that pass the test, from the front of the free list. */
  public Assigned assign(int count, Owner owner, Predicate<IpAddress> usable) {
    int[] chosen = new int[Math.min(count, unallocated.length)];
    int found = 0;
    for (int i = 0; i < unallocated.length && found < chosen.length; i++) {
      if (usable.test(frame.cidr().address().plus(unallocated[i]))) {
        chosen[found++] = unallocated[i];
      }
    }
    return take(Arrays.copyOf(chosen, found), owner);
  }

  /** Tells whether the affinity is older than the time; old data without a time are. */
  public boolean claimedBefore(Instant time) {
    String claimed = BlockReader.text(frame.others(), "affinity_claim_time");
    try {
      return claimed == null || Instant.parse(claimed).isBefore(time);
    } catch (DateTimeParseException e) {
      return true;
    }
  }

  /** Assigns one particular address; assigns nothing when it is held or outside. */
  public Assigned assign(IpAddress address, Owner owner) {
    int ordinal = ordinal(address);
    boolean free = ordinal >= 0 && Arrays.stream(unallocated).anyMatch(o -> o == ordinal);
    return take(free ? new int[] {ordinal} : new int[0], owner);
  }

  private Assigned take(int[] ordinals, Owner owner) {
    if (ordinals.length == 0) {
      return new Assigned(this, List.of());
    }
    List<Owner> holders = new ArrayList<>(owners);
    int index = holders.indexOf(owner);
    if (index < 0) {
      index = holders.size();
      holders.add(owner);
    }
    int[] after = allocations.clone();
    long[] sequences = assignedAt.clone();
    List<IpAddress> addresses = new ArrayList<>(ordinals.length);
    for (int ordinal : ordinals) {
      after[ordinal] = index;
      sequences[ordinal] = sequenceNumber;
      addresses.add(frame.cidr().address().plus(ordinal));
    }
    int[] free = new int[unallocated.length - ordinals.length];
    int kept = 0;
    for (int ordinal : unallocated) {
      if (after[ordinal] == FREE) {
        free[kept++] = ordinal;
      }
    }
    return new Assigned(
        new Block(frame, after, holders, free, sequenceNumber + 1, sequences), addresses);
  }

  /** Releases every address whose owner passes the test; they go to the end of the free list. */
  public Released release(Predicate<Owner> test) {
    return releaseAll(addresses(test));
  }

  /** Releases the given addresses; those that are free or outside are ignored. */
  public Released releaseAll(List<IpAddress> wanted) {
    int[] after = allocations.clone();
    long[] sequences = assignedAt.clone();
    int[] free = Arrays.copyOf(unallocated, allocations.length);
    int count = unallocated.length;
    List<IpAddress> released = new ArrayList<>();
    for (IpAddress address : wanted) {
      int ordinal = ordinal(address);
      if (ordinal >= 0 && after[ordinal] != FREE) {
        after[ordinal] = FREE;
        free[count++] = ordinal;
        sequences[ordinal] = 0;
        released.add(address);
      }
    }
    return new Released(
        new Block(
            frame,
            after,
            usedBy(after, owners),
            Arrays.copyOf(free, count),
            sequenceNumber + 1,
            sequences),
        released);
  }

  /** Returns a copy without affinity, for a host that gives a non-empty block back. */
  public Block withoutAffinity() {
    JsonObject others = frame.others().deepCopy();
    others.remove("affinity_claim_time");
    return new Block(
        new Frame(frame.cidr(), null, others),
        allocations,
        owners,
        unallocated,
        sequenceNumber + 1,
        assignedAt);
  }

  /**
   * Drops the owners who hold nothing.
   *
   * @param allocations by ordinal, the index of the owner in the list; becomes that in the outcome
   */
  static List<Owner> usedBy(int[] allocations, List<Owner> owners) {
    List<Owner> left = new ArrayList<>(owners.size());
    int[] renumbered = new int[owners.size()];
    Arrays.fill(renumbered, FREE);
    Arrays.stream(allocations).filter(index -> index != FREE).forEach(i -> renumbered[i] = 0);
    for (int index = 0; index < renumbered.length; index++) {
      if (renumbered[index] != FREE) {
        renumbered[index] = left.size();
        left.add(owners.get(index));
      }
    }
    Arrays.setAll(allocations, i -> allocations[i] == FREE ? FREE : renumbered[allocations[i]]);
    return left;
  }

  /** Prints the stored form. Equal owners share an entry of {@code attributes}. */
  public String toJson() {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.beginObject();
      json.name("cidr").value(frame.cidr().toString());
      json.name("affinity").value(frame.affinity());
      json.name("allocations").beginArray();
      for (int index : allocations) {
        json.value(index == FREE ? null : index);
      }
      json.endArray().name("unallocated").beginArray();
      for (int ordinal : unallocated) {
        json.value(ordinal);
      }
      json.endArray().name("attributes").beginArray();
      for (Owner owner : owners) {
        owner.write(json);
      }
      json.endArray().name("sequenceNumber").value(sequenceNumber);
      json.name("sequenceNumberForAllocation").beginObject();
      for (int ordinal = 0; ordinal < assignedAt.length; ordinal++) {
        if (assignedAt[ordinal] != 0) {
          json.name(Integer.toString(ordinal)).value(assignedAt[ordinal]);
        }
      }
      json.endObject().name("deleted").value(false);
      writeAll(json, frame.others());
      json.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a StringWriter does not fail", e);
    }
    return text.toString();
  }

  private static void writeAll(JsonWriter json, JsonObject members) throws IOException {
    for (Map.Entry<String, JsonElement> member : members.entrySet()) {
      json.name(member.getKey()).jsonValue(member.getValue().toString());
    }
  }

  @Override
  public String toString() {
    return "Block(" + frame.cidr() + ", " + (allocations.length - unallocated.length) + " in use)";
  }
}
