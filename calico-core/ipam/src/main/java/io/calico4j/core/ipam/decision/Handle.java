package io.calico4j.core.ipam.decision;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.net.Cidr;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * An IPAM handle: how many addresses one owner holds of each block. The counts are an upper bound:
 * other writers may over-count, never under-count. JSON: {@code
 * {"block":{CIDR:count},"deleted":false}}.
 *
 * @param counts addresses by block, each at least 1
 */
public record Handle(Map<Cidr, Integer> counts) {
  /** A handle that holds nothing. */
  public static final Handle NONE = new Handle(Map.of());

  /** Copies the counts in order. */
  public Handle {
    counts = Collections.unmodifiableMap(new TreeMap<>(counts));
  }

  /** Reads a stored handle; an {@link IllegalArgumentException} says what is wrong with it. */
  public static Handle parse(String json) {
    try {
      Map<Cidr, Integer> counts = new TreeMap<>();
      JsonElement blocks = JsonParser.parseString(json).getAsJsonObject().get("block");
      if (blocks != null && blocks.isJsonObject()) {
        blocks
            .getAsJsonObject()
            .entrySet()
            .forEach(e -> counts.put(Cidr.parse(e.getKey()), e.getValue().getAsInt()));
      }
      return new Handle(counts);
    } catch (RuntimeException | StackOverflowError e) {
      throw new IllegalArgumentException("not an IPAM handle: " + e.getMessage(), e);
    }
  }

  /** Returns a copy that holds so many addresses more (or fewer) of the block, at least none. */
  public Handle plus(Cidr block, int delta) {
    Map<Cidr, Integer> after = new TreeMap<>(counts);
    int count = after.getOrDefault(block, 0) + delta;
    if (count > 0) {
      after.put(block, count);
    } else {
      after.remove(block);
    }
    return new Handle(after);
  }

  /** Returns a copy without the block. */
  public Handle without(Cidr block) {
    return plus(block, -counts.getOrDefault(block, 0));
  }

  /** Tells whether nothing is held. */
  public boolean isEmpty() {
    return counts.isEmpty();
  }

  /** Prints the stored form. */
  public String toJson() {
    JsonObject blocks = new JsonObject();
    counts.forEach((cidr, count) -> blocks.addProperty(cidr.toString(), count));
    JsonObject json = new JsonObject();
    json.add("block", blocks);
    json.addProperty("deleted", false);
    return json.toString();
  }
}
