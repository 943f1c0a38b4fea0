package io.calico4j.calicoctl;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.ResourceKey;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code label}: sets or removes one label of a resource. */
@Command(
    description = "Sets a label of a resource, or removes it.",
    mixinStandardHelpOptions = true)
final class LabelCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Parameters(index = "0", paramLabel = "KIND", description = "the resource's kind")
  private String kind = "";

  @Parameters(index = "1", paramLabel = "NAME", description = "the resource's name")
  private String name = "";

  @Parameters(
      index = "2",
      paramLabel = "LABEL",
      description = "KEY=VALUE, or with --remove KEY alone")
  private String label = "";

  @Option(
      names = {"-n", "--namespace"},
      description = "the resource's namespace (else default)")
  private String namespace = "";

  @Option(names = "--overwrite", description = "the label may have another value")
  private boolean overwrite;

  @Option(names = "--remove", description = "remove the label")
  private boolean remove;

  @Spec private CommandSpec spec = CommandSpec.create();

  LabelCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    String[] parts = label.split("=", -1);
    if (overwrite && remove) {
      throw new ParameterException(
          spec.commandLine(), "--overwrite and --remove exclude each other");
    }
    if (parts.length != (remove ? 1 : 2) || parts[0].isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "invalid label \"" + label + "\": expected " + (remove ? "KEY" : "KEY=VALUE"));
    }
    ResourceKey key = Kinds.key(spec, kind, namespace, name);
    String[] done = {""};
    try (Datastore store = datastore.get()) {
      ResourceEdit.run(
          new ResourceClient(store),
          key,
          document -> {
            done[0] = change(document.getAsJsonObject("metadata"), parts);
            return document;
          });
    }
    spec.commandLine().getOut().println(done[0]);
    spec.commandLine().getOut().flush();
    return 0;
  }

  /** Changes the labels, and returns what is to be said of it, in upstream's words. */
  private String change(JsonObject metadata, String[] parts) {
    JsonObject labels =
        metadata.get("labels") instanceof JsonObject given ? given : new JsonObject();
    metadata.add("labels", labels);
    String key = parts[0];
    boolean there = labels.has(key);
    String resource = kind + " " + name;
    if (remove) {
      if (!there) {
        throw new IllegalArgumentException(
            "cannot remove label of " + resource + ", key " + key + " does not exist");
      }
      labels.remove(key);
      return "Successfully removed label " + key + " from " + resource;
    }
    JsonPrimitive value = new JsonPrimitive(parts[1]);
    if (there && !overwrite && !labels.get(key).equals(value)) {
      throw new IllegalArgumentException(
          "failed to update label of "
              + resource
              + ", key "
              + key
              + " is already present. please use '--overwrite' to set a new value.");
    }
    labels.add(key, value);
    return "Successfully " + (there ? "updated" : "set") + " label " + key + " on " + resource;
  }
}
