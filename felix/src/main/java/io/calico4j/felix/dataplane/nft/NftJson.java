package io.calico4j.felix.dataplane.nft;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.util.ArrayList;
import java.util.List;

/** nftables' listings, as libnftables-json(5) describes them. */
final class NftJson {
  private NftJson() {}

  /** Returns the objects of one kind, such as {@code chain}. */
  static List<JsonObject> objects(String json, String kind) throws NftException {
    List<JsonObject> found = new ArrayList<>();
    try {
      JsonObject whole = JsonParser.parseString(json).getAsJsonObject();
      for (JsonElement element : whole.getAsJsonArray("nftables")) {
        if (element instanceof JsonObject object && object.get(kind) instanceof JsonObject wanted) {
          found.add(wanted);
        }
      }
      return found;
    } catch (JsonParseException | IllegalStateException e) {
      throw new NftException("nftables' listing cannot be read: " + e.getMessage());
    }
  }

  /** Returns a field's text; empty when there is none. */
  static String text(JsonObject object, String name) {
    JsonElement value = object.get(name);
    return value == null || !value.isJsonPrimitive() ? "" : value.getAsString();
  }
}
