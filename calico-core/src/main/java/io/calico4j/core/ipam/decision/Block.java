package io.calico4j.core.ipam.decision;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
  /** The largest number of addresses of a block: /20 or /116. */
  private static final int MAX_ADDRESSES = 4096;

  private static final int BYTES_PER_ADDRESS = 120;

  private static final Set<String> WRITTEN =
      Set.of(
          "cidr",
          "affinity",
          "allocations",
          "unallocated",
          "attributes",
          "sequenceNumber",
          "sequenceNumberForAllocation",
          "deleted");

  private final Frame frame;
  private final @Nullable Owner[] owners;

  /** The free ordinals, the next one to assign first. */
  private final int[] unallocated;

  private final long sequenceNumber;

  /**
   * By ordinal, the member of {@code sequenceNumberForAllocation} as it is written: {@code "7":12}.
   */
  private final @Nullable String[] allocatedAt;

  /**
   * What assignments do not change, with its text made once: blocks are written often.
   *
   * @param cidr the block's network
   * @param affinity whose it is
   * @param others the members that are not known here, and the claim time
   * @param head the text before the allocations
   * @param tail the text after {@code deleted}
   */
  private record Frame(
      Cidr cidr, @Nullable String affinity, JsonObject others, String head, String tail) {
    static Frame of(Cidr cidr, @Nullable String affinity, JsonObject others) {
      StringBuilder tail = new StringBuilder();
      others
          .entrySet()
          .forEach(
              e ->
                  tail.append(',')
                      .append(new JsonPrimitive(e.getKey()))
                      .append(':')
                      .append(e.getValue()));
      return new Frame(
          cidr,
          affinity,
          others,
          "{\"cidr\":\""
              + cidr
              + "\",\"affinity\":"
              + (affinity == null ? JsonNull.INSTANCE : new JsonPrimitive(affinity))
              + ",\"allocations\":",
          tail.append('}').toString());
    }
  }

  private Block(
      Frame frame,
      @Nullable Owner[] owners,
      int[] unallocated,
      long sequenceNumber,
      @Nullable String[] allocatedAt) {
    this.frame = frame;
    this.owners = owners;
    this.unallocated = unallocated;
    this.sequenceNumber = sequenceNumber;
    this.allocatedAt = allocatedAt;
  }

  /**
   * Who holds an address.
   *
   * @param handleId the handle, or null in old data
   * @param secondary attributes such as node, pod, type, timestamp
   * @param json the attribute as stored, so that members unknown here survive
   */
  public record Owner(@Nullable String handleId, Map<String, String> secondary, String json) {
    /** Makes the owner of a new assignment. */
    public static Owner of(String handleId, Map<String, String> secondary) {
      JsonObject json = new JsonObject();
      json.addProperty("handle_id", handleId);
      JsonObject attributes = new JsonObject();
      new TreeMap<>(secondary).forEach(attributes::addProperty);
      json.add("secondary", attributes);
      return new Owner(handleId, Map.copyOf(secondary), json.toString());
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
    return new Block(
        Frame.of(cidr, affinity, others), new Owner[size], free, sequenceNumber, new String[size]);
  }

  /**
   * Reads a stored block; an ordinal in cool-down counts as free again.
   *
   * @throws IllegalArgumentException when the text is no valid block; says what is wrong
   */
  public static Block parse(String json) {
    try {
      JsonObject document = JsonParser.parseString(json).getAsJsonObject();
      Cidr cidr = Cidr.parse(document.get("cidr").getAsString());
      JsonArray allocations = document.getAsJsonArray("allocations");
      if (cidr.family().bits() - cidr.prefix() > 12
          || allocations.size() != cidr.size().intValueExact()
          || allocations.size() > MAX_ADDRESSES) {
        throw new IllegalArgumentException(
            "block " + cidr + " has " + allocations.size() + " allocation entries");
      }
      List<Owner> attributes = new ArrayList<>();
      List<Boolean> cooling = new ArrayList<>();
      for (JsonElement element : array(document, "attributes")) {
        attributes.add(owner(element.getAsJsonObject()));
        cooling.add(text(element.getAsJsonObject(), "releasedAt") != null);
      }
      @Nullable Owner[] owners = new Owner[allocations.size()];
      List<Integer> unallocated = new ArrayList<>();
      array(document, "unallocated").forEach(e -> unallocated.add(e.getAsInt()));
      @Nullable String[] allocatedAt = new String[owners.length];
      JsonElement sequences = document.get("sequenceNumberForAllocation");
      if (sequences != null && sequences.isJsonObject()) {
        for (Map.Entry<String, JsonElement> entry : sequences.getAsJsonObject().entrySet()) {
          int ordinal = Integer.parseInt(entry.getKey());
          long sequence = entry.getValue().getAsLong();
          if (ordinal >= 0 && ordinal < owners.length) {
            allocatedAt[ordinal] = member(ordinal, sequence);
          }
        }
      }
      for (int i = 0; i < owners.length; i++) {
        JsonElement index = allocations.get(i);
        if (index.isJsonNull()) {
          continue;
        }
        if (cooling.get(index.getAsInt())) {
          unallocated.add(i);
          allocatedAt[i] = null;
        } else {
          owners[i] = attributes.get(index.getAsInt());
        }
      }
      String affinity = text(document, "affinity");
      long sequenceNumber =
          document.has("sequenceNumber") ? document.get("sequenceNumber").getAsLong() : 0;
      WRITTEN.forEach(document::remove);
      return new Block(
          Frame.of(cidr, affinity, document),
          owners,
          freeOnes(unallocated, owners),
          sequenceNumber,
          allocatedAt);
    } catch (JsonParseException
        | IllegalStateException
        | UnsupportedOperationException
        | IndexOutOfBoundsException
        | ClassCastException
        | NullPointerException e) {
      throw new IllegalArgumentException("not an IPAM block: " + e.getMessage(), e);
    }
  }

  /**
   * Puts a free list right that does not fit the owners: an ordinal somebody holds is never free,
   * and one that nobody holds is free once.
   */
  private static int[] freeOnes(List<Integer> listed, @Nullable Owner[] owners) {
    Set<Integer> free = new LinkedHashSet<>();
    for (int ordinal : listed) {
      if (ordinal >= 0 && ordinal < owners.length && owners[ordinal] == null) {
        free.add(ordinal);
      }
    }
    for (int ordinal = 0; ordinal < owners.length; ordinal++) {
      if (owners[ordinal] == null) {
        free.add(ordinal);
      }
    }
    return free.stream().mapToInt(Integer::intValue).toArray();
  }

  private static String member(int ordinal, long sequence) {
    return "\"" + ordinal + "\":" + sequence;
  }

  private static JsonArray array(JsonObject document, String name) {
    JsonElement element = document.get(name);
    return element == null || element.isJsonNull() ? new JsonArray() : element.getAsJsonArray();
  }

  private static @Nullable String text(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element == null || element.isJsonNull() ? null : element.getAsString();
  }

  private static Owner owner(JsonObject json) {
    String handle = text(json, "handle_id");
    if (handle != null && handle.indexOf('\r') >= 0) {
      handle = handle.substring(0, handle.indexOf('\r'));
    }
    Map<String, String> secondary = new TreeMap<>();
    JsonElement attributes = json.get("secondary");
    if (attributes != null && attributes.isJsonObject()) {
      attributes
          .getAsJsonObject()
          .entrySet()
          .forEach(e -> secondary.put(e.getKey(), e.getValue().getAsString()));
    }
    return new Owner(handle, Collections.unmodifiableMap(secondary), json.toString());
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
    return unallocated.length == owners.length;
  }

  /** Returns who holds the address; null when it is free or outside. */
  public @Nullable Owner owner(IpAddress address) {
    int ordinal = ordinal(address);
    return ordinal < 0 ? null : owners[ordinal];
  }

  /** Returns the block's sequence number when the address was assigned; 0 when it is not known. */
  public long assignedAt(IpAddress address) {
    int ordinal = ordinal(address);
    String member = ordinal < 0 ? null : allocatedAt[ordinal];
    return member == null ? 0 : Long.parseLong(member.substring(member.indexOf(':') + 1));
  }

  /** Returns the addresses whose owner passes the test, ascending. */
  public List<IpAddress> addresses(Predicate<Owner> test) {
    List<IpAddress> found = new ArrayList<>();
    for (int i = 0; i < owners.length; i++) {
      Owner owner = owners[i];
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
    String claimed = text(frame.others(), "affinity_claim_time");
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
    @Nullable Owner[] after = owners.clone();
    @Nullable String[] sequences = allocatedAt.clone();
    List<IpAddress> addresses = new ArrayList<>(ordinals.length);
    for (int ordinal : ordinals) {
      after[ordinal] = owner;
      sequences[ordinal] = member(ordinal, sequenceNumber);
      addresses.add(frame.cidr().address().plus(ordinal));
    }
    int[] free = new int[unallocated.length - ordinals.length];
    int kept = 0;
    for (int ordinal : unallocated) {
      if (after[ordinal] == null) {
        free[kept++] = ordinal;
      }
    }
    return new Assigned(new Block(frame, after, free, sequenceNumber + 1, sequences), addresses);
  }

  /** Releases every address whose owner passes the test; they go to the end of the free list. */
  public Released release(Predicate<Owner> test) {
    return releaseAll(addresses(test));
  }

  /** Releases the given addresses; those that are free or outside are ignored. */
  public Released releaseAll(List<IpAddress> wanted) {
    @Nullable Owner[] after = owners.clone();
    @Nullable String[] sequences = allocatedAt.clone();
    int[] free = Arrays.copyOf(unallocated, owners.length);
    int count = unallocated.length;
    List<IpAddress> released = new ArrayList<>();
    for (IpAddress address : wanted) {
      int ordinal = ordinal(address);
      if (ordinal >= 0 && after[ordinal] != null) {
        after[ordinal] = null;
        free[count++] = ordinal;
        sequences[ordinal] = null;
        released.add(address);
      }
    }
    return new Released(
        new Block(frame, after, Arrays.copyOf(free, count), sequenceNumber + 1, sequences),
        released);
  }

  /** Returns a copy without affinity, for a host that gives a non-empty block back. */
  public Block withoutAffinity() {
    JsonObject others = frame.others().deepCopy();
    others.remove("affinity_claim_time");
    return new Block(
        Frame.of(frame.cidr(), null, others), owners, unallocated, sequenceNumber + 1, allocatedAt);
  }

  /** Prints the stored form. Equal owners share an entry of {@code attributes}. */
  public String toJson() {
    StringBuilder json = new StringBuilder(BYTES_PER_ADDRESS * owners.length).append(frame.head());
    Map<String, Integer> numbers = new HashMap<>(2 * owners.length);
    List<String> attributes = new ArrayList<>(owners.length);
    char separator = '[';
    for (Owner owner : owners) {
      json.append(separator);
      separator = ',';
      if (owner == null) {
        json.append("null");
      } else {
        int next = attributes.size();
        Integer known = numbers.putIfAbsent(owner.json(), next);
        if (known == null) {
          attributes.add(owner.json());
        }
        json.append(known == null ? next : known.intValue());
      }
    }
    json.append("],\"unallocated\":[");
    for (int i = 0; i < unallocated.length; i++) {
      json.append(i == 0 ? "" : ",").append(unallocated[i]);
    }
    json.append("],\"attributes\":[");
    for (int i = 0; i < attributes.size(); i++) {
      json.append(i == 0 ? "" : ",").append(attributes.get(i));
    }
    json.append("],\"sequenceNumber\":").append(sequenceNumber);
    json.append(",\"sequenceNumberForAllocation\":{");
    String comma = "";
    for (String member : allocatedAt) {
      if (member != null) {
        json.append(comma).append(member);
        comma = ",";
      }
    }
    return json.append("},\"deleted\":false").append(frame.tail()).toString();
  }

  @Override
  public String toString() {
    return "Block(" + frame.cidr() + ", " + (owners.length - unallocated.length) + " in use)";
  }
}
