package io.calico4j.core.resource;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.selector.Selector;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads what an operator wrote: stricter than reading the datastore, so that a slip of the pen is
 * reported, with its field, instead of being ignored.
 */
public final class UserResources {
  private static final Set<String> TOP = Set.of("apiVersion", "kind", "metadata", "spec", "status");
  private static final Set<String> METADATA =
      Set.of(
          "name",
          "namespace",
          "uid",
          "creationTimestamp",
          "labels",
          "annotations",
          "resourceVersion",
          "ownerReferences",
          "finalizers");
  private static final String NAME = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?";
  private static final String LOOSE_NAME = "[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?";

  private final List<String> problems = new ArrayList<>();

  private UserResources() {}

  /**
   * Reads one document.
   *
   * @throws InvalidResourceException listing every problem with its field path
   */
  public static Resource<?> parse(JsonObject document) throws InvalidResourceException {
    return new UserResources().read(document);
  }

  private Resource<?> read(JsonObject document) throws InvalidResourceException {
    String kindName = text(document, "kind");
    ResourceKind<?> kind =
        ResourceKind.all().stream()
            .filter(k -> k.kind().equals(kindName))
            .findFirst()
            .orElseThrow(
                () ->
                    new InvalidResourceException(
                        "kind: \""
                            + kindName
                            + "\" is none of "
                            + ResourceKind.all().stream().map(ResourceKind::kind).toList(),
                        null));
    String version = text(document, "apiVersion");
    if (!version.equals(ResourceCodec.API_VERSION)) {
      problems.add("apiVersion: \"" + version + "\" is not \"" + ResourceCodec.API_VERSION + "\"");
    }
    unknown("", document, TOP);
    JsonObject metadata =
        document.get("metadata") instanceof JsonObject object ? object : new JsonObject();
    unknown("metadata.", metadata, METADATA);
    String name = text(metadata, "name");
    boolean loose =
        kind.equals(ResourceKind.PROFILE) || kind.equals(ResourceKind.WORKLOAD_ENDPOINT);
    if (!name.matches(loose ? LOOSE_NAME : NAME)) {
      problems.add(
          "metadata.name: \""
              + name
              + "\" must be 1 to 253 lower-case letters, digits, dots and dashes");
    }
    if (document.get("spec") instanceof JsonObject spec) {
      fields("spec.", spec, kind.specType());
    } else if (document.has("spec") && !document.get("spec").isJsonNull()) {
      problems.add("spec: is not an object");
    }
    String title = kind.kind() + "(" + name + ")";
    fail(title);
    try {
      Resource<?> resource = ResourceCodec.fromJson(kind, document, 0);
      check(resource);
      fail(title);
      return new Resource<>(cast(kind), resource.metadata(), resource.spec(), new JsonObject(), 0);
    } catch (JsonParseException | IllegalArgumentException | IllegalStateException e) {
      throw new InvalidResourceException(title + ": " + ResourceCodec.rootMessage(e), e);
    }
  }

  @SuppressWarnings("unchecked")
  private static ResourceKind<Object> cast(ResourceKind<?> kind) {
    return (ResourceKind<Object>) kind;
  }

  private void fail(String title) throws InvalidResourceException {
    if (!problems.isEmpty()) {
      throw new InvalidResourceException(title + " " + String.join("; ", problems), null);
    }
  }

  private static String text(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element == null || !element.isJsonPrimitive() ? "" : element.getAsString();
  }

  private void unknown(String path, JsonObject object, Set<String> known) {
    object.keySet().stream()
        .filter(key -> !known.contains(key))
        .forEach(key -> problems.add(path + key + ": unknown field, known are " + known));
  }

  private void fields(String path, JsonObject object, Class<?> type) {
    Map<String, RecordComponent> known = new TreeMap<>();
    for (RecordComponent component : type.getRecordComponents()) {
      known.put(component.getName(), component);
    }
    unknown(path, object, known.keySet());
    for (Map.Entry<String, JsonElement> field : object.entrySet()) {
      RecordComponent component = known.get(field.getKey());
      if (component != null) {
        field(path + field.getKey(), field.getValue(), component);
      }
    }
  }

  private void field(String path, JsonElement value, RecordComponent component) {
    Class<?> type = component.getType();
    if (type.isRecord() && value instanceof JsonObject inner) {
      fields(path + ".", inner, type);
    } else if (type == List.class) {
      if (!(value instanceof JsonArray list)) {
        if (!value.isJsonNull()) {
          problems.add(path + ": is not a list");
        }
        return;
      }
      Class<?> element =
          component.getGenericType() instanceof ParameterizedType generic
                  && generic.getActualTypeArguments()[0] instanceof Class<?> of
              ? of
              : Object.class;
      for (int i = 0; i < list.size(); i++) {
        if (element.isRecord() && list.get(i) instanceof JsonObject inner) {
          fields(path + "[" + i + "].", inner, element);
        }
      }
    } else if (type.isEnum() && !isConstant(type, value)) {
      problems.add(path + ": " + value + " is none of " + List.of(type.getEnumConstants()));
    }
  }

  private static boolean isConstant(Class<?> type, JsonElement value) {
    for (Object constant : type.getEnumConstants()) {
      if (value.isJsonPrimitive() && constant.toString().equals(value.getAsString())) {
        return true;
      }
    }
    return false;
  }

  private void check(Resource<?> resource) {
    if (resource.spec() instanceof IpPoolSpec pool) {
      check(pool);
    } else if (resource.spec() instanceof PolicySpec policy) {
      selector("spec.selector", policy.selector());
      selector("spec.namespaceSelector", policy.namespaceSelector());
      for (String type : policy.types()) {
        if (!type.equals("Ingress") && !type.equals("Egress")) {
          problems.add("spec.types: \"" + type + "\" is neither Ingress nor Egress");
        }
      }
      rules("spec.ingress", policy.ingress());
      rules("spec.egress", policy.egress());
    } else if (resource.spec() instanceof ProfileSpec profile) {
      rules("spec.ingress", profile.ingress());
      rules("spec.egress", profile.egress());
    }
  }

  private void check(IpPoolSpec pool) {
    if (pool.cidr() == null) {
      problems.add("spec.cidr: is missing");
      return;
    }
    cidr("spec.cidr", pool.cidr(), true);
    selector("spec.nodeSelector", pool.nodeSelector());
    Cidr network = Cidr.tryParse(pool.cidr()).orElse(null);
    if (network == null) {
      return;
    }
    int size = pool.effectiveBlockSize();
    boolean v4 = network.address().isV4();
    if (v4 ? size < 20 || size > 32 : size < 116 || size > 128) {
      problems.add(
          "spec.blockSize: " + size + " is not within " + (v4 ? "20 to 32" : "116 to 128"));
    } else if (size < network.prefix()) {
      problems.add("spec.cidr: " + network + " is smaller than a block of /" + size);
    }
  }

  private void rules(String path, List<Rule> rules) {
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      String at = path + "[" + i + "]";
      peer(at + ".source", rule, rule.source());
      peer(at + ".destination", rule, rule.destination());
      Integer version = rule.ipVersion();
      if (version != null && version != 4 && version != 6) {
        problems.add(at + ".ipVersion: " + version + " is neither 4 nor 6");
      }
    }
  }

  private void peer(String path, Rule rule, Rule.Peer peer) {
    selector(path + ".selector", peer.selector());
    selector(path + ".notSelector", peer.notSelector());
    selector(path + ".namespaceSelector", peer.namespaceSelector());
    peer.nets().forEach(net -> cidr(path + ".nets", net, false));
    peer.notNets().forEach(net -> cidr(path + ".notNets", net, false));
    boolean ports = !peer.ports().isEmpty() || !peer.notPorts().isEmpty();
    if (ports && (rule.protocol() == null || !rule.protocol().hasPorts())) {
      problems.add(path + ".ports: need protocol TCP, UDP or SCTP in the rule");
    }
  }

  private void selector(String path, @Nullable String text) {
    try {
      if (text != null) {
        Selector unused = Selector.parse(text);
      }
    } catch (IllegalArgumentException e) {
      problems.add(path + ": " + e.getMessage());
    }
  }

  private void cidr(String path, String text, boolean strict) {
    try {
      Cidr unused = strict ? Cidr.strict(text) : Cidr.parse(text);
    } catch (IllegalArgumentException e) {
      problems.add(path + ": " + e.getMessage());
    }
  }
}
