package io.calico4j.felix.calculation;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * What can be read of a host endpoint that is stored but damaged: its interfaces are closed,
 * because an interface must not be opened by damage.
 */
final class DamagedHostEndpoint {
  private DamagedHostEndpoint() {}

  /** Reads its node and how its interfaces are found, whatever its bytes; empty without a node. */
  static Optional<Resource<HostEndpointSpec>> of(ResourceKey key, String json) {
    try {
      JsonObject spec = JsonParser.parseString(json).getAsJsonObject().getAsJsonObject("spec");
      String node = text(spec.get("node"));
      if (node == null) {
        return Optional.empty();
      }
      return Optional.of(
          Resource.create(
              ResourceKind.HOST_ENDPOINT,
              Metadata.named(null, key.name()),
              new HostEndpointSpec(
                  node,
                  text(spec.get("interfaceName")),
                  texts(spec.get("expectedIPs")),
                  List.of(),
                  List.of())));
    } catch (RuntimeException | StackOverflowError e) {
      return Optional.empty();
    }
  }

  private static List<String> texts(@Nullable JsonElement list) {
    return list instanceof JsonArray array
        ? StreamSupport.stream(array.spliterator(), false)
            .flatMap(each -> Optional.ofNullable(text(each)).stream())
            .toList()
        : List.of();
  }

  private static @Nullable String text(@Nullable JsonElement value) {
    return value instanceof JsonPrimitive text && text.isString() ? text.getAsString() : null;
  }
}
