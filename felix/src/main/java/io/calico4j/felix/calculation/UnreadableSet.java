package io.calico4j.felix.calculation;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.selector.Selector;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A NetworkSet or GlobalNetworkSet that is stored but damaged: which networks it names is not
 * known.
 *
 * @param labels what selectors are compared with; empty when they cannot be read either, then every
 *     selector may select it
 */
public record UnreadableSet(Optional<Map<String, String>> labels) {
  /** Reads what can be read of a damaged network set, whatever its bytes. */
  static UnreadableSet of(ResourceKey key, String json) {
    Map<String, String> labels = new TreeMap<>();
    try {
      JsonObject metadata =
          JsonParser.parseString(json).getAsJsonObject().getAsJsonObject("metadata");
      JsonElement stored = metadata.get("labels");
      if (stored != null) {
        stored
            .getAsJsonObject()
            .entrySet()
            .forEach(label -> labels.put(label.getKey(), label.getValue().getAsString()));
      }
    } catch (RuntimeException | StackOverflowError e) {
      return new UnreadableSet(Optional.empty());
    }
    if (key.kind().equals(ResourceKind.NETWORK_SET)) {
      labels.put("projectcalico.org/namespace", key.namespace());
    }
    return new UnreadableSet(Optional.of(labels));
  }

  /** Tells whether a selector may select the set. */
  boolean maySelect(Selector selector) {
    return labels.map(selector::matches).orElse(true);
  }
}
