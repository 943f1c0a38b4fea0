package io.calico4j.core.resource;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.PrintableText;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns stored JSON into resources and back, in upstream's layout ({@code libcalico-go}, etcdv3
 * backend). Fields that are not known here are kept.
 */
public final class ResourceCodec {
  /** The apiVersion of every Calico v3 resource. */
  public static final String API_VERSION = "projectcalico.org/v3";

  private static final String NAME_ANNOTATION = "projectcalico.org/metadata";
  private static final String TIER_LABEL = "projectcalico.org/tier";

  /** In characters: a damaged value must not flood the log. */
  private static final int LONGEST_REASON = 300;

  private ResourceCodec() {}

  /**
   * Decodes a stored resource of a known kind.
   *
   * @throws ValidationException when it is damaged, whatever its bytes
   */
  public static <S> Resource<S> decode(ResourceKind<S> kind, Entry entry)
      throws ValidationException {
    return decode(kind, entry, text -> JsonParser.parseString(text).getAsJsonObject());
  }

  /**
   * Decodes as {@link #decode(ResourceKind, Entry)} does, for those who only read: without the
   * document, which takes half the time.
   *
   * @throws ValidationException when it is damaged, whatever its bytes
   */
  public static <S> Resource<S> decodeWithoutDocument(ResourceKind<S> kind, Entry entry)
      throws ValidationException {
    return decode(kind, entry, text -> new JsonObject());
  }

  private static <S> Resource<S> decode(
      ResourceKind<S> kind, Entry entry, Function<String, JsonObject> document)
      throws ValidationException {
    try {
      Json.Stored<S> stored = Json.read(entry.value(), kind.specType());
      Metadata metadata = stored == null ? null : stored.metadata();
      if (stored == null || metadata == null) {
        throw new IllegalArgumentException("metadata is missing");
      }
      S spec = stored.spec();
      Resource<S> resource =
          resource(
              kind,
              metadata,
              spec == null ? Json.read(new JsonObject(), kind.specType()) : spec,
              document.apply(entry.value()),
              entry.revision());
      StoredForm.check(resource, entry.key());
      return resource;
    } catch (RuntimeException | StackOverflowError e) {
      // Whatever the bytes are, and however deep they are nested.
      throw new ValidationException(
          entry.key()
              + " cannot be read as "
              + kind.kind()
              + ": "
              + PrintableText.of(abbreviate(rootMessage(e))),
          e);
    }
  }

  /** Decodes whatever resource a key names; empty when the key is no resource known here. */
  public static Optional<Resource<?>> decode(Entry entry) throws ValidationException {
    Optional<ResourceKey> key = ResourceKey.parse(entry.key());
    return key.isEmpty() ? Optional.empty() : Optional.of(decode(key.get().kind(), entry));
  }

  /**
   * Reads a user's document of a kind, under the name that it bears; throws {@link
   * IllegalArgumentException} or Gson's exceptions when a field has the wrong form.
   */
  static <S> Resource<S> fromJson(ResourceKind<S> kind, JsonObject document, long revision) {
    JsonElement metadataJson = document.get("metadata");
    if (metadataJson == null || !metadataJson.isJsonObject()) {
      throw new IllegalArgumentException("metadata is missing");
    }
    JsonElement specJson = document.get("spec");
    Metadata metadata = Json.read(metadataJson, Metadata.class);
    Map<String, String> annotations = new TreeMap<>(metadata.annotations());
    annotations.remove(NAME_ANNOTATION);
    Resource<S> resource =
        resource(
            kind,
            metadata,
            Json.read(
                specJson == null || specJson.isJsonNull() ? new JsonObject() : specJson,
                kind.specType()),
            document,
            revision);
    return resource.withMetadata(metadata.withAnnotations(annotations));
  }

  private static <S> Resource<S> resource(
      ResourceKind<S> kind, Metadata metadata, S spec, JsonObject document, long revision) {
    if (metadata.name() == null || metadata.name().isEmpty()) {
      throw new IllegalArgumentException("metadata.name is missing");
    }
    Metadata named = metadata;
    if (spec instanceof PolicySpec policy) {
      requireActions(policy);
      named = withPolicyName(metadata, policy);
    }
    return new Resource<>(kind, named, spec, document, revision);
  }

  @SuppressWarnings("NullAway")
  private static void requireActions(PolicySpec policy) {
    for (var rules : List.of(policy.ingress(), policy.egress())) {
      for (var rule : rules) {
        if (rule.action() == null) {
          throw new IllegalArgumentException(
              "a rule's action is none of Allow, Deny, Log and Pass");
        }
      }
    }
  }

  /** Upstream stores the user's name in an annotation; older versions stored a tier prefix. */
  private static Metadata withPolicyName(Metadata metadata, PolicySpec policy) {
    Map<String, String> annotations = new TreeMap<>(metadata.annotations());
    String stored = annotations.remove(NAME_ANNOTATION);
    String name = metadata.name();
    if (stored != null) {
      JsonElement given = JsonParser.parseString(stored).getAsJsonObject().get("name");
      name = given instanceof JsonPrimitive text ? text.getAsString() : name;
    } else if (policy.effectiveTier().equals("default") && name.startsWith("default.")) {
      name = name.substring("default.".length());
    }
    return new Metadata(
        name,
        metadata.namespace(),
        metadata.uid(),
        metadata.creationTimestamp(),
        metadata.labels(),
        annotations);
  }

  /** Encodes a resource as it is stored. */
  public static String encode(Resource<?> resource) {
    return encode(resource, resource.metadata().name());
  }

  /**
   * Encodes a resource as it is stored.
   *
   * @param storedName the name in its key, which for a policy is not always its name
   */
  public static String encode(Resource<?> resource, String storedName) {
    JsonObject json = document(resource);
    json.getAsJsonObject("metadata").addProperty("name", storedName);
    if (resource.spec() instanceof PolicySpec policy) {
      JsonObject metadata = json.getAsJsonObject("metadata");
      JsonObject name = new JsonObject();
      name.addProperty("name", resource.metadata().name());
      child(metadata, "annotations").addProperty(NAME_ANNOTATION, Json.text(name));
      child(metadata, "labels").addProperty(TIER_LABEL, policy.effectiveTier());
    }
    if (resource.kind().equals(ResourceKind.NODE) && !json.has("status")) {
      json.add("status", new JsonObject());
    }
    return Json.text(json);
  }

  /** Returns the resource for people and programs: as stored, with its resourceVersion. */
  public static JsonObject toJson(Resource<?> resource) {
    JsonObject json = document(resource);
    if (resource.revision() > 0) {
      json.getAsJsonObject("metadata")
          .addProperty("resourceVersion", Long.toString(resource.revision()));
    }
    return json;
  }

  /**
   * Returns the document of a stored resource whose content is replaced: the written one, and of
   * the stored one only the fields that this version does not know.
   */
  public static JsonObject replaced(Resource<?> stored, Resource<?> written) {
    JsonObject json = stored.document().deepCopy();
    for (String part : List.of("metadata", "spec")) {
      JsonObject kept = objectOf(json.get(part));
      if (part.equals("spec")) {
        FieldTable.fieldsOf(stored.kind().kind()).forEach(kept::remove);
      }
      objectOf(written.document().get(part))
          .entrySet()
          .forEach(e -> kept.add(e.getKey(), e.getValue()));
      json.add(part, kept);
    }
    return json;
  }

  private static JsonObject document(Resource<?> resource) {
    JsonObject old = resource.document();
    JsonObject json = new JsonObject();
    json.addProperty("kind", resource.kind().kind());
    json.addProperty("apiVersion", API_VERSION);
    JsonObject metadata =
        Json.merge(
            objectOf(old.get("metadata")),
            Json.GSON.toJsonTree(resource.metadata()).getAsJsonObject(),
            Metadata.class);
    metadata.remove("resourceVersion");
    metadata.remove("selfLink");
    if (!resource.kind().namespaced()) {
      metadata.remove("namespace");
    }
    json.add("metadata", metadata);
    json.add(
        "spec",
        Json.merge(
            objectOf(old.get("spec")),
            Json.GSON.toJsonTree(resource.spec()).getAsJsonObject(),
            resource.kind().specType()));
    old.entrySet().stream()
        .filter(e -> !json.has(e.getKey()))
        .forEach(e -> json.add(e.getKey(), e.getValue()));
    return json;
  }

  private static JsonObject objectOf(@Nullable JsonElement element) {
    return element != null && element.isJsonObject() ? element.getAsJsonObject() : new JsonObject();
  }

  private static JsonObject child(JsonObject parent, String name) {
    if (!(parent.get(name) instanceof JsonObject)) {
      parent.add(name, new JsonObject());
    }
    return parent.getAsJsonObject(name);
  }

  private static String abbreviate(String text) {
    return text.length() <= LONGEST_REASON ? text : text.substring(0, LONGEST_REASON) + "…";
  }

  static String rootMessage(Throwable e) {
    if (e instanceof StackOverflowError) {
      return "it is nested too deep";
    }
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }
}
