package io.calico4j.core.ipam.decision;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

/**
 * The IPAM configuration at {@code /calico/ipam/v2/config}.
 *
 * @param strictAffinity whether a host takes addresses of its own blocks only
 * @param autoAllocateBlocks whether a host may claim blocks
 * @param maxBlocksPerHost at most so many blocks per host and family; at least 1
 */
public record IpamConfig(boolean strictAffinity, boolean autoAllocateBlocks, int maxBlocksPerHost) {
  private static final int DEFAULT_MAX_BLOCKS = 20;

  /** Reads the stored text; null is the defaults, a missing member of a present one is off. */
  public static IpamConfig parse(@Nullable String json) {
    if (json == null) {
      return new IpamConfig(false, true, DEFAULT_MAX_BLOCKS);
    }
    JsonObject object = JsonParser.parseString(json).getAsJsonObject();
    JsonElement max = object.get("maxBlocksPerHost");
    int blocks = max == null || max.isJsonNull() ? 0 : max.getAsInt();
    return new IpamConfig(
        flag(object, "strict_affinity"),
        flag(object, "auto_allocate_blocks"),
        blocks == 0 ? DEFAULT_MAX_BLOCKS : blocks);
  }

  /** Reads the stored text; one that cannot be read says nothing, and the defaults hold. */
  public static IpamConfig parseOrDefault(@Nullable String json) {
    try {
      return parse(json);
    } catch (RuntimeException | StackOverflowError e) {
      return parse(null);
    }
  }

  /**
   * Returns the text to store after a change; members that are not known here stay.
   *
   * @param stored the stored text; null when there is none
   * @param strictAffinity the new value; null leaves the old one
   * @param maxBlocksPerHost the new value, 0 for no limit of its own; null leaves the old one
   * @throws IllegalArgumentException when upstream would refuse the outcome
   */
  public static String change(
      @Nullable String stored,
      @Nullable Boolean strictAffinity,
      @Nullable Integer maxBlocksPerHost) {
    JsonObject object =
        stored == null ? new JsonObject() : JsonParser.parseString(stored).getAsJsonObject();
    if (stored == null) {
      object.addProperty("strict_affinity", false);
      object.addProperty("auto_allocate_blocks", true);
    }
    if (strictAffinity != null) {
      object.addProperty("strict_affinity", strictAffinity);
    }
    if (maxBlocksPerHost != null) {
      object.addProperty("maxBlocksPerHost", maxBlocksPerHost);
    }
    JsonElement max = object.get("maxBlocksPerHost");
    int limit = max == null || max.isJsonNull() ? 0 : max.getAsInt();
    boolean strict = flag(object, "strict_affinity");
    if (limit < 0) {
      throw new IllegalArgumentException("maxBlocksPerHost " + limit + " must not be negative");
    }
    if (limit > 0 && !strict) {
      throw new IllegalArgumentException(
          "maxBlocksPerHost " + limit + " needs strict affinity: else hosts borrow beyond it");
    }
    if (!strict && !flag(object, "auto_allocate_blocks")) {
      throw new IllegalArgumentException(
          "without strict affinity blocks must be allocated automatically:"
              + " set auto_allocate_blocks");
    }
    return object.toString();
  }

  private static boolean flag(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element != null && !element.isJsonNull() && element.getAsBoolean();
  }
}
