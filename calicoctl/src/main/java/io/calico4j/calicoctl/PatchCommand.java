package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.ResourceKey;
import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonReader;
import jakarta.json.JsonStructure;
import jakarta.json.JsonValue;
import java.io.StringReader;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code patch}: changes parts of a resource. */
@Command(description = "Changes parts of a resource.", mixinStandardHelpOptions = true)
final class PatchCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  /** How a patch is written. */
  enum Type {
    /**
     * As kubectl's. In Calico's resources it is a merge patch: none of their lists is merged by a
     * key.
     */
    strategic,
    /** JSON Merge Patch, RFC 7386. */
    merge,
    /** JSON Patch, RFC 6902. */
    json
  }

  @Parameters(index = "0", paramLabel = "KIND", description = "the resource's kind")
  private String kind = "";

  @Parameters(index = "1", paramLabel = "NAME", description = "the resource's name")
  private String name = "";

  @Option(
      names = {"-p", "--patch"},
      required = true,
      description = "the patch, in JSON or YAML")
  private String patch = "";

  @Option(
      names = {"-t", "--type"},
      defaultValue = "strategic",
      description =
          "strategic, merge (RFC 7386; the same for Calico's resources) or json (RFC 6902);"
              + " default ${DEFAULT-VALUE}")
  private Type type = Type.strategic;

  @Option(
      names = {"-n", "--namespace"},
      description = "the resource's namespace (else default)")
  private String namespace = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  PatchCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    ResourceKey key = Kinds.key(spec, kind, namespace, name);
    JsonElement read = read();
    try (Datastore store = datastore.get()) {
      ResourceEdit.run(new ResourceClient(store), key, document -> apply(read, document));
    }
    spec.commandLine()
        .getOut()
        .println("Successfully patched 1 '" + key.kind().kind() + "' resource");
    spec.commandLine().getOut().flush();
    return 0;
  }

  private JsonElement read() {
    List<JsonElement> documents;
    try {
      documents = YamlJson.read(patch, 1);
    } catch (YamlJson.Problem e) {
      throw new IllegalArgumentException("--patch is no JSON: " + e.getMessage(), e);
    }
    boolean list = type == Type.json;
    if (documents.size() != 1
        || (list ? !documents.get(0).isJsonArray() : !documents.get(0).isJsonObject())) {
      throw new IllegalArgumentException(
          "--patch must be "
              + (list
                  ? "a list of operations, as in [{\"op\":\"add\",\"path\":\"/spec/x\",\"value\":1}]"
                  : "an object, as in {\"spec\":{\"x\":1}}")
              + " for --type "
              + type);
    }
    return documents.get(0);
  }

  private JsonObject apply(JsonElement change, JsonObject document) {
    JsonStructure before = parsed(document);
    JsonValue after;
    try {
      after =
          type == Type.json
              ? Json.createPatch(parsed(change).asJsonArray()).apply(before)
              : Json.createMergePatch(parsed(change)).apply(before);
    } catch (JsonException | ClassCastException e) {
      throw new IllegalArgumentException(
          "--patch does not fit " + kind + " " + name + ": " + e.getMessage(), e);
    }
    JsonElement result = JsonParser.parseString(after.toString());
    if (result instanceof JsonObject object) {
      return object;
    }
    throw new IllegalArgumentException("--patch leaves no object of " + kind + " " + name);
  }

  private static JsonStructure parsed(JsonElement json) {
    try (JsonReader reader = Json.createReader(new StringReader(json.toString()))) {
      return reader.read();
    }
  }
}
