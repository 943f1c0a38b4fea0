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

  private static boolean flag(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element != null && !element.isJsonNull() && element.getAsBoolean();
  }
}
