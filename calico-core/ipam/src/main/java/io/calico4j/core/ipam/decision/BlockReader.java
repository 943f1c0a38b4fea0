package io.calico4j.core.ipam.decision;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.ipam.decision.Block.Owner;
import io.calico4j.core.net.Cidr;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the stored form of a block, also what older versions and other programs have written. */
final class BlockReader {
  /** The largest number of addresses of a block: /20 or /116. */
  private static final int MAX_ADDRESSES = 4096;

  private static final Set<String> KNOWN =
      Set.of(
          "cidr",
          "affinity",
          "allocations",
          "unallocated",
          "attributes",
          "sequenceNumber",
          "sequenceNumberForAllocation",
          "deleted");

  private BlockReader() {}

  /** Reads one; an {@link IllegalArgumentException} says what is wrong. */
  static Block read(String json) {
    try {
      return read(JsonParser.parseString(json).getAsJsonObject());
    } catch (RuntimeException | StackOverflowError e) {
      throw new IllegalArgumentException("not an IPAM block: " + e.getMessage(), e);
    }
  }

  private static Block read(JsonObject document) {
    Cidr cidr = Cidr.parse(document.get("cidr").getAsString());
    JsonArray stored = document.getAsJsonArray("allocations");
    if (cidr.family().bits() - cidr.prefix() > 12
        || stored.size() != cidr.size().intValueExact()
        || stored.size() > MAX_ADDRESSES) {
      throw new IllegalArgumentException(
          "block " + cidr + " has " + stored.size() + " allocation entries");
    }
    List<Owner> owners = new ArrayList<>();
    List<Boolean> cooling = new ArrayList<>();
    for (JsonElement element : array(document, "attributes")) {
      owners.add(owner(element.getAsJsonObject()));
      cooling.add(text(element.getAsJsonObject(), "releasedAt") != null);
    }
    // In the order of the stored list, then those that it lacks.
    List<Integer> unallocated = new ArrayList<>();
    array(document, "unallocated").forEach(e -> unallocated.add(e.getAsInt()));
    int[] allocations = new int[stored.size()];
    long[] assignedAt = sequences(document, allocations.length);
    for (int ordinal = 0; ordinal < allocations.length; ordinal++) {
      JsonElement index = stored.get(ordinal);
      boolean held = !index.isJsonNull() && !cooling.get(index.getAsInt());
      allocations[ordinal] = held ? index.getAsInt() : Block.FREE;
      if (!held) {
        unallocated.add(ordinal);
        assignedAt[ordinal] = 0;
      }
    }
    String affinity = text(document, "affinity");
    long sequenceNumber =
        document.has("sequenceNumber") ? document.get("sequenceNumber").getAsLong() : 0;
    KNOWN.forEach(document::remove);
    return new Block(
        new Block.Frame(cidr, affinity, document),
        allocations,
        Block.usedBy(allocations, owners),
        freeOnes(unallocated, allocations),
        sequenceNumber,
        assignedAt);
  }

  private static long[] sequences(JsonObject document, int ordinals) {
    long[] assignedAt = new long[ordinals];
    JsonElement sequences = document.get("sequenceNumberForAllocation");
    if (sequences != null && sequences.isJsonObject()) {
      for (Map.Entry<String, JsonElement> entry : sequences.getAsJsonObject().entrySet()) {
        int ordinal = Integer.parseInt(entry.getKey());
        long sequence = entry.getValue().getAsLong();
        if (ordinal >= 0 && ordinal < ordinals) {
          assignedAt[ordinal] = sequence;
        }
      }
    }
    return assignedAt;
  }

  /**
   * Puts a free list right that does not fit the allocations: an allocated ordinal is not free, and
   * no ordinal is free twice.
   */
  private static int[] freeOnes(List<Integer> listed, int[] allocations) {
    Set<Integer> free = new LinkedHashSet<>();
    for (int ordinal : listed) {
      if (ordinal >= 0 && ordinal < allocations.length && allocations[ordinal] == Block.FREE) {
        free.add(ordinal);
      }
    }
    return free.stream().mapToInt(Integer::intValue).toArray();
  }

  private static JsonArray array(JsonObject document, String name) {
    JsonElement element = document.get(name);
    return element == null || element.isJsonNull() ? new JsonArray() : element.getAsJsonArray();
  }

  static @Nullable String text(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element == null || element.isJsonNull() ? null : element.getAsString();
  }

  private static Owner owner(JsonObject json) {
    String handle = text(json, "handle_id");
    if (handle != null && handle.indexOf('\r') >= 0) {
      handle = handle.substring(0, handle.indexOf('\r'));
    }
    SortedMap<String, String> secondary = new TreeMap<>();
    JsonElement attributes = json.get("secondary");
    if (attributes != null && attributes.isJsonObject()) {
      attributes
          .getAsJsonObject()
          .entrySet()
          .forEach(e -> secondary.put(e.getKey(), e.getValue().getAsString()));
    }
    JsonObject others = json.deepCopy();
    others.remove("handle_id");
    others.remove("secondary");
    return new Owner(handle, Collections.unmodifiableSortedMap(secondary), others);
  }
}
