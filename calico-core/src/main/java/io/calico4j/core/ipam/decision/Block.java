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
import java.util.HashSet;
import java.util.LinkedHashMap;
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

  private final Cidr cidr;
  private final @Nullable String affinity;
  private final @Nullable Owner[] owners;
  private final List<Integer> unallocated;
  private final long sequenceNumber;
  private final Map<Integer, Long> allocatedAt;
  private final JsonObject document;

  private Block(
      Cidr cidr,
      @Nullable String affinity,
      @Nullable Owner[] owners,
      List<Integer> unallocated,
      long sequenceNumber,
      Map<Integer, Long> allocatedAt,
      JsonObject document) {
    this.cidr = cidr;
    this.affinity = affinity;
    this.owners = owners;
    this.unallocated = unallocated;
    this.sequenceNumber = sequenceNumber;
    this.allocatedAt = allocatedAt;
    this.document = document;
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
    List<Integer> free = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      free.add(i);
    }
    JsonObject document = new JsonObject();
    document.addProperty("affinity_claim_time", claimTime);
    return new Block(cidr, affinity, new Owner[size], free, sequenceNumber, Map.of(), document);
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
      Map<Integer, Long> allocatedAt = new TreeMap<>();
      JsonElement sequences = document.get("sequenceNumberForAllocation");
      if (sequences != null && sequences.isJsonObject()) {
        sequences
            .getAsJsonObject()
            .entrySet()
            .forEach(e -> allocatedAt.put(Integer.valueOf(e.getKey()), e.getValue().getAsLong()));
      }
      for (int i = 0; i < owners.length; i++) {
        JsonElement index = allocations.get(i);
        if (index.isJsonNull()) {
          continue;
        }
        if (cooling.get(index.getAsInt())) {
          unallocated.add(i);
          allocatedAt.remove(i);
        } else {
          owners[i] = attributes.get(index.getAsInt());
        }
      }
      return new Block(
          cidr,
          text(document, "affinity"),
          owners,
          freeOnes(unallocated, owners),
          document.has("sequenceNumber") ? document.get("sequenceNumber").getAsLong() : 0,
          allocatedAt,
          document);
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
  private static List<Integer> freeOnes(List<Integer> listed, @Nullable Owner[] owners) {
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
    return List.copyOf(free);
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
    return cidr;
  }

  /** Returns {@code host:NODE}, {@code virtual:NAME} or null. */
  public @Nullable String affinity() {
    return affinity;
  }

  /** Returns the number of free addresses. */
  public int freeCount() {
    return unallocated.size();
  }

  /** Tells whether nobody holds an address. */
  public boolean isEmpty() {
    return unallocated.size() == owners.length;
  }

  /** Returns who holds the address; null when it is free or outside. */
  public @Nullable Owner owner(IpAddress address) {
    int ordinal = ordinal(address);
    return ordinal < 0 ? null : owners[ordinal];
  }

  /** Returns the block's sequence number when the address was assigned; 0 when it is not known. */
  public long assignedAt(IpAddress address) {
    return allocatedAt.getOrDefault(ordinal(address), 0L);
  }

  /** Returns the addresses whose owner passes the test, ascending. */
  public List<IpAddress> addresses(Predicate<Owner> test) {
    List<IpAddress> found = new ArrayList<>();
    for (int i = 0; i < owners.length; i++) {
      Owner owner = owners[i];
      if (owner != null && test.test(owner)) {
        found.add(cidr.address().plus(i));
      }
    }
    return found;
  }

  private int ordinal(IpAddress address) {
    return cidr.contains(address)
        ? address.value().subtract(cidr.address().value()).intValueExact()
        : -1;
  }

  /** Assigns up to {@code count} addresses from the front of the free list. */
  public Assigned assign(int count, Owner owner) {
    return assign(count, owner, address -> true);
  }

  /** Assigns up to {@code count} addresses that pass the test, from the front of the free list. */
  public Assigned assign(int count, Owner owner, Predicate<IpAddress> usable) {
    return take(
        unallocated.stream()
            .filter(ordinal -> usable.test(cidr.address().plus(ordinal)))
            .limit(count)
            .toList(),
        owner);
  }

  /** Tells whether the affinity is older than the time; old data without a time are. */
  public boolean claimedBefore(Instant time) {
    String claimed = text(document, "affinity_claim_time");
    try {
      return claimed == null || Instant.parse(claimed).isBefore(time);
    } catch (DateTimeParseException e) {
      return true;
    }
  }

  /** Assigns one particular address; assigns nothing when it is held or outside. */
  public Assigned assign(IpAddress address, Owner owner) {
    int ordinal = ordinal(address);
    return take(
        ordinal >= 0 && unallocated.contains(ordinal) ? List.of(ordinal) : List.of(), owner);
  }

  private Assigned take(List<Integer> ordinals, Owner owner) {
    @Nullable Owner[] after = Arrays.copyOf(owners, owners.length);
    Map<Integer, Long> sequences = new TreeMap<>(allocatedAt);
    List<IpAddress> addresses = new ArrayList<>();
    for (int ordinal : ordinals) {
      after[ordinal] = owner;
      sequences.put(ordinal, sequenceNumber);
      addresses.add(cidr.address().plus(ordinal));
    }
    Set<Integer> taken = new HashSet<>(ordinals);
    List<Integer> free = new ArrayList<>(unallocated.size());
    for (Integer ordinal : unallocated) {
      if (!taken.contains(ordinal)) {
        free.add(ordinal);
      }
    }
    return new Assigned(
        new Block(cidr, affinity, after, free, sequenceNumber + 1, sequences, document), addresses);
  }

  /** Releases every address whose owner passes the test; they go to the end of the free list. */
  public Released release(Predicate<Owner> test) {
    return releaseAll(addresses(test));
  }

  /** Releases the given addresses; those that are free or outside are ignored. */
  public Released releaseAll(List<IpAddress> wanted) {
    @Nullable Owner[] after = Arrays.copyOf(owners, owners.length);
    List<Integer> free = new ArrayList<>(unallocated);
    Map<Integer, Long> sequences = new TreeMap<>(allocatedAt);
    List<IpAddress> released = new ArrayList<>();
    for (IpAddress address : wanted) {
      int ordinal = ordinal(address);
      if (ordinal >= 0 && after[ordinal] != null) {
        after[ordinal] = null;
        free.add(ordinal);
        sequences.remove(ordinal);
        released.add(address);
      }
    }
    return new Released(
        new Block(cidr, affinity, after, free, sequenceNumber + 1, sequences, document), released);
  }

  /** Returns a copy without affinity, for a host that gives a non-empty block back. */
  public Block withoutAffinity() {
    JsonObject copy = document.deepCopy();
    copy.remove("affinity_claim_time");
    return new Block(cidr, null, owners, unallocated, sequenceNumber + 1, allocatedAt, copy);
  }

  /** Prints the stored form. Equal owners share an entry of {@code attributes}. */
  public String toJson() {
    StringBuilder json = new StringBuilder(BYTES_PER_ADDRESS * owners.length);
    json.append("{\"cidr\":\"").append(cidr).append("\",\"affinity\":");
    json.append(affinity == null ? JsonNull.INSTANCE : new JsonPrimitive(affinity));
    Map<String, Integer> attributes = new LinkedHashMap<>();
    json.append(",\"allocations\":");
    char separator = '[';
    for (Owner owner : owners) {
      json.append(separator);
      separator = ',';
      if (owner == null) {
        json.append("null");
      } else {
        int next = attributes.size();
        Integer known = attributes.putIfAbsent(owner.json(), next);
        json.append(known == null ? next : known.intValue());
      }
    }
    json.append("],\"unallocated\":[");
    String comma = "";
    for (int ordinal : unallocated) {
      json.append(comma).append(ordinal);
      comma = ",";
    }
    json.append("],\"attributes\":[").append(String.join(",", attributes.keySet()));
    json.append("],\"sequenceNumber\":").append(sequenceNumber);
    json.append(",\"sequenceNumberForAllocation\":{");
    comma = "";
    for (Map.Entry<Integer, Long> entry : allocatedAt.entrySet()) {
      json.append(comma)
          .append('"')
          .append(entry.getKey().intValue())
          .append("\":")
          .append(entry.getValue().longValue());
      comma = ",";
    }
    json.append("},\"deleted\":false");
    document.entrySet().stream()
        .filter(e -> !WRITTEN.contains(e.getKey()))
        .forEach(
            e ->
                json.append(',')
                    .append(new JsonPrimitive(e.getKey()))
                    .append(':')
                    .append(e.getValue()));
    return json.append('}').toString();
  }

  @Override
  public String toString() {
    return "Block(" + cidr + ", " + (owners.length - unallocated.size()) + " in use)";
  }
}
