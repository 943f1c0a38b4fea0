package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.felix.FelixParameters;
import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.ipam.PoolRemoval;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ValidationException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code apply}, {@code create}, {@code replace} and {@code delete}. */
@Command(
    description = "Writes resources from files; every document is checked before any is written.",
    mixinStandardHelpOptions = true)
final class WriteCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;
  private final Mode mode;

  @Option(
      names = {"-f", "--filename"},
      description = "YAML or JSON file, - for standard input; may be repeated")
  private List<String> files = new ArrayList<>();

  @Option(
      names = {"-n", "--namespace"},
      defaultValue = "default",
      description = "namespace, for delete KIND NAME")
  private String namespace = "default";

  @Parameters(arity = "0..*", description = "for delete: KIND NAME...")
  private List<String> names = new ArrayList<>();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** What is done with each resource. */
  enum Mode {
    /** Creates or replaces. */
    APPLY,
    /** Creates; it must not exist. */
    CREATE,
    /** Replaces; it must exist. */
    REPLACE,
    /** Deletes. */
    DELETE
  }

  WriteCommand(Supplier<Datastore> datastore, Mode mode) {
    this.datastore = datastore;
    this.mode = mode;
  }

  @Override
  public Integer call() throws IOException, DatastoreException, ValidationException {
    List<ResourceKey> named = named();
    if (files.isEmpty() && named.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "name a file with -f");
    }
    List<Resource<?>> resources = new ArrayList<>(ResourceReader.read(files));
    if (mode == Mode.DELETE) {
      // What was created last may need what was created first, as a policy needs its tier.
      Collections.reverse(resources);
    }
    try (Datastore store = datastore.get()) {
      ResourceClient client = new ResourceClient(store);
      for (Resource<?> resource : resources) {
        write(client, store, resource);
        say(resource.key());
        warn(resource);
      }
      for (ResourceKey key : named) {
        delete(client, store, key, 0);
        say(key);
      }
    }
    return 0;
  }

  private List<ResourceKey> named() {
    List<ResourceKey> keys = new ArrayList<>();
    if (names.isEmpty()) {
      return keys;
    }
    Optional<ResourceKind<?>> kind = Kinds.find(names.get(0));
    if (mode != Mode.DELETE || kind.isEmpty() || names.size() < 2) {
      throw new ParameterException(
          spec.commandLine(), "expected -f FILE" + (mode == Mode.DELETE ? " or KIND NAME" : ""));
    }
    for (String name : names.subList(1, names.size())) {
      keys.add(new ResourceKey(kind.get(), kind.get().namespaced() ? namespace : "", name));
    }
    return keys;
  }

  @SuppressWarnings("unchecked") // The kind says what the spec is.
  private void warn(Resource<?> resource) {
    if (mode == Mode.DELETE) {
      return;
    }
    if (resource.kind().equals(ResourceKind.FELIX_CONFIGURATION)) {
      FelixSource source = FelixSource.resource((Resource<FelixConfigurationSpec>) resource);
      FelixParameters.withoutEffect(List.of(source)).forEach(this::warn);
    }
  }

  private void warn(String text) {
    spec.commandLine().getErr().println("warning: " + text);
    spec.commandLine().getErr().flush();
  }

  private void say(ResourceKey key) {
    spec.commandLine().getOut().println(mode + " " + key);
    spec.commandLine().getOut().flush();
  }

  private <S> void write(ResourceClient client, Datastore store, Resource<S> resource)
      throws DatastoreException {
    switch (mode) {
      case APPLY -> client.apply(resource);
      case CREATE -> create(client, resource);
      case DELETE -> delete(client, store, resource.key(), resource.revision());
      case REPLACE -> client.replace(resource);
    }
  }

  private static <S> void create(ResourceClient client, Resource<S> resource)
      throws DatastoreException {
    if (resource.revision() != 0) {
      throw new InvalidResourceException(
          resource.key()
              + " metadata.resourceVersion: what is created has none: remove it, or use apply",
          null);
    }
    Resource<S> unused = client.create(resource);
  }

  private static void delete(ResourceClient client, Datastore store, ResourceKey key, long revision)
      throws DatastoreException {
    if (key.kind().equals(ResourceKind.IP_POOL)) {
      new PoolRemoval(store).run(key.name(), revision);
    } else {
      client.delete(key, revision);
    }
  }
}
