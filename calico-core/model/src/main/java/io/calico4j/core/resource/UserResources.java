package io.calico4j.core.resource;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

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

  private static final Set<String> MAPS = Set.of("labels", "annotations");
  private static final Pattern REVISION = Pattern.compile("[0-9]{0,18}");

  private final Problems problems = new Problems();

  private UserResources() {}

  /**
   * Reads one document. Its fields are kept, also those that only other tools act upon. Its {@code
   * resourceVersion} becomes the revision: what is written must have it.
   *
   * @throws ValidationException listing every problem with its field path
   */
  public static Resource<?> parse(JsonObject document) throws ValidationException {
    return new UserResources().read(withTexts(document.deepCopy()));
  }

  private static JsonObject withTexts(JsonObject document) {
    if (document.get("metadata") instanceof JsonObject metadata) {
      for (String key : List.copyOf(metadata.keySet())) {
        metadata.add(key, WrittenText.of(metadata.get(key)));
        if (MAPS.contains(key) && metadata.get(key) instanceof JsonObject map) {
          WrittenText.ofMap(map);
        }
      }
    }
    if (document.get("spec") instanceof JsonObject spec) {
      FieldTable.makeTexts(text(document, "kind"), spec);
    }
    return document;
  }

  private Resource<?> read(JsonObject document) throws ValidationException {
    String kindName = text(document, "kind");
    ResourceKind<?> kind =
        ResourceKind.all().stream()
            .filter(k -> k.kind().equals(kindName))
            .findFirst()
            .orElseThrow(
                () ->
                    new ValidationException(
                        "kind: \""
                            + kindName
                            + "\" is none of "
                            + ResourceKind.all().stream().map(ResourceKind::kind).toList(),
                        null));
    String version = text(document, "apiVersion");
    if (!version.equals(ResourceCodec.API_VERSION)) {
      problems.add(
          "apiVersion", "\"" + version + "\" is not \"" + ResourceCodec.API_VERSION + "\"");
    }
    unknown("", document, TOP);
    JsonObject metadata =
        document.get("metadata") instanceof JsonObject object ? object : new JsonObject();
    unknown("metadata.", metadata, METADATA);
    problems.required("metadata.name", text(metadata, "name"));
    problems.form(
        "metadata.resourceVersion", text(metadata, "resourceVersion"), REVISION, "a revision");
    if (document.get("spec") instanceof JsonObject spec) {
      FieldTable.check(kind.kind(), spec, problems);
    } else if (document.has("spec") && !document.get("spec").isJsonNull()) {
      problems.add("spec", "is not an object");
    }
    String title = kind.kind() + "(" + text(metadata, "name") + ")";
    problems.fail(title);
    return decode(kind, document, title);
  }

  private static <S> Resource<S> decode(ResourceKind<S> kind, JsonObject document, String title)
      throws ValidationException {
    try {
      Resource<S> resource = ResourceCodec.fromJson(kind, document, 0);
      ResourceValidator.check(resource);
      return new Resource<>(
          kind, resource.metadata(), resource.spec(), written(document), revision(document));
    } catch (JsonParseException | IllegalArgumentException | IllegalStateException e) {
      throw new ValidationException(title + ": " + ResourceCodec.rootMessage(e), e);
    }
  }

  private static long revision(JsonObject document) {
    String given = text(document.getAsJsonObject("metadata"), "resourceVersion");
    return given.isEmpty() ? 0 : Long.parseLong(given);
  }

  /** What a user writes is metadata and spec; identity and status are the datastore's. */
  private static JsonObject written(JsonObject document) {
    JsonObject written = new JsonObject();
    if (document.get("metadata") instanceof JsonObject given) {
      JsonObject metadata = given.deepCopy();
      metadata.remove("uid");
      metadata.remove("creationTimestamp");
      metadata.remove("resourceVersion");
      written.add("metadata", metadata);
    }
    if (document.get("spec") instanceof JsonObject spec) {
      written.add("spec", spec.deepCopy());
    }
    return written;
  }

  private static String text(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element == null || !element.isJsonPrimitive() ? "" : element.getAsString();
  }

  private void unknown(String path, JsonObject object, Set<String> known) {
    object.keySet().stream()
        .filter(key -> !known.contains(key))
        .forEach(
            key -> problems.add(path + key, "unknown field, known are " + new TreeSet<>(known)));
  }
}
