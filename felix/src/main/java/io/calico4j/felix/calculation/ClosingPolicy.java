package io.calico4j.felix.calculation;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.selector.Selector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A policy that is stored but damaged: it closes the endpoints that it may select, before any other
 * policy is asked, because what it would have denied is not known.
 *
 * @param endpoints selects what it may apply to: what can be read of its selectors, else everything
 *     in its namespace or in the cluster
 * @param ingress whether it closes traffic to them
 * @param egress whether it closes traffic from them
 * @param forward whether it closes what is forwarded through host endpoints too: it says that it
 *     applies to that, or cannot be read at all
 */
public record ClosingPolicy(Selector endpoints, boolean ingress, boolean egress, boolean forward) {
  private static final List<String> FORWARD = List.of("applyOnForward", "doNotTrack", "preDNAT");

  /** Reads what can be read of a damaged policy, whatever its bytes. */
  static ClosingPolicy of(ResourceKey key, String json) {
    JsonObject spec = spec(json);
    Selector endpoints = selector(spec, "selector");
    if (key.kind().equals(ResourceKind.NETWORK_POLICY)) {
      endpoints = endpoints.and(Selectors.inNamespace(key.namespace()));
    } else if (text(spec, "namespaceSelector") != null) {
      try {
        endpoints =
            Selectors.ofNamespaces(String.valueOf(text(spec, "namespaceSelector"))).and(endpoints);
      } catch (IllegalArgumentException e) {
        // It may select every namespace.
      }
    }
    boolean ingress = mentions(spec, "Ingress");
    boolean egress = mentions(spec, "Egress");
    boolean forward = spec.size() == 0 || FORWARD.stream().anyMatch(field -> holds(spec, field));
    return new ClosingPolicy(endpoints, ingress || !egress, egress || !ingress, forward);
  }

  private static JsonObject spec(String json) {
    try {
      JsonElement spec = JsonParser.parseString(json).getAsJsonObject().get("spec");
      return spec instanceof JsonObject object ? object : new JsonObject();
    } catch (RuntimeException | StackOverflowError e) {
      return new JsonObject();
    }
  }

  private static Selector selector(JsonObject spec, String field) {
    String text = text(spec, field);
    try {
      return text == null ? Selector.all() : Selector.parse(text);
    } catch (IllegalArgumentException e) {
      return Selector.all();
    }
  }

  private static @Nullable String text(JsonObject spec, String field) {
    return spec.get(field) instanceof JsonPrimitive text
            && text.isString()
            && !text.getAsString().isEmpty()
        ? text.getAsString()
        : null;
  }

  /** Whatever is not a plain no may be a yes. */
  private static boolean holds(JsonObject spec, String field) {
    return spec.has(field)
        && !spec.get(field).isJsonNull()
        && !spec.get(field).equals(new JsonPrimitive(false));
  }

  private static boolean mentions(JsonObject spec, String type) {
    return spec.get("types") instanceof JsonArray types && types.contains(new JsonPrimitive(type));
  }
}
