package io.calico4j.calicoctl;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.felix.FelixParameters;
import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.ipam.EndpointRemoval;
import io.calico4j.core.ipam.NodeRemoval;
import io.calico4j.core.ipam.PoolRemoval;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.FieldsWithoutEffect;
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
      description =
          "YAML or JSON file, directory of such files, - for standard input; may be repeated")
  private List<String> files = new ArrayList<>();

  @Option(
      names = {"-n", "--namespace"},
      description =
          "namespace of what names none (else default); what names another one is refused")
  private String namespace = "";

  @Option(
      names = {"-R", "--recursive"},
      description = "also the files of directories in a directory that -f names")
  private boolean recursive;

  @Option(names = "--skip-empty", description = "a file without resources is no error")
  private boolean skipEmpty;

  @Option(
      names = {"-s", "--skip-exists"},
      description = "for create: what exists already is no error")
  private boolean skipExists;

  @Option(
      names = {"-i", "--skip-not-exists"},
      description = "for delete: what does not exist is no error")
  private boolean skipMissing;

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
    List<ResourceReader.Given> given = given();
    if (mode == Mode.DELETE) {
      // What was created last may need what was created first, as a policy needs its tier.
      Collections.reverse(given);
    }
    int failures = 0;
    try (Datastore store = datastore.get()) {
      ResourceClient client = new ResourceClient(store);
      if (mode != Mode.DELETE) {
        TogetherCheck.references(given, store);
      }
      for (ResourceReader.Given element : given) {
        Resource<?> resource = element.resource();
        if (one(resource.key(), () -> write(client, store, resource))) {
          warn(resource);
        } else {
          failures++;
        }
      }
      for (ResourceKey key : named) {
        failures += one(key, () -> delete(client, store, key, 0)) ? 0 : 1;
      }
    }
    return failures == 0 ? 0 : 1;
  }

  private List<ResourceReader.Given> given() throws IOException, ValidationException {
    List<ResourceReader.Given> given = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (ResourceReader.Given one : ResourceReader.read(files, recursive, skipEmpty)) {
      try {
        given.add(
            new ResourceReader.Given(
                one.place(), Namespaces.inNamespace(one.resource(), namespace)));
      } catch (ValidationException e) {
        problems.add(one.place() + ": " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException(String.join("\n", problems), null);
    }
    TogetherCheck.run(given);
    return given;
  }

  /** Writes or deletes one resource, and reports it. */
  @FunctionalInterface
  private interface Action {
    void run() throws DatastoreException;
  }

  /** What concerns one resource does not keep the next ones from being written. */
  private boolean one(ResourceKey key, Action action) throws DatastoreException {
    try {
      action.run();
    } catch (AlreadyExistsException e) {
      return skipExists ? say(key, " exists already, skipped") : fail(e);
    } catch (NotFoundException e) {
      return skipMissing ? say(key, " does not exist, skipped") : fail(e);
    } catch (ConflictException | InvalidResourceException e) {
      return fail(e);
    }
    return say(key, "");
  }

  private boolean fail(DatastoreException e) {
    spec.commandLine().getErr().println("calicoctl: " + e.getMessage());
    spec.commandLine().getErr().flush();
    return false;
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
      keys.add(Namespaces.key(kind.get(), namespace, name));
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
    FieldsWithoutEffect.of(resource).forEach(this::warn);
    if (resource.spec() instanceof BgpPeerSpec peer && isWithoutNumber(peer)) {
      warn(
          resource.kind().kind()
              + "("
              + resource.metadata().name()
              + ") spec.peerIP has no effect here: without asNumber there is no session");
    }
  }

  /** Upstream takes such a peer, and no router can peer with AS 0. */
  private static boolean isWithoutNumber(BgpPeerSpec peer) {
    boolean named = peer.peerIP() != null && !peer.peerIP().isEmpty();
    return named && (peer.asNumber() == null || peer.asNumber().value() == 0);
  }

  private void warn(String text) {
    spec.commandLine().getErr().println("warning: " + text);
    spec.commandLine().getErr().flush();
  }

  private boolean say(ResourceKey key, String more) {
    spec.commandLine().getOut().println(mode + " " + key + more);
    spec.commandLine().getOut().flush();
    return true;
  }

  private <S> void write(ResourceClient client, Datastore store, Resource<S> resource)
      throws DatastoreException {
    refuseReadOnly(resource.key());
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
    refuseReadOnly(key);
    if (key.kind().equals(ResourceKind.IP_POOL)) {
      new PoolRemoval(store).run(key.name(), revision);
    } else if (key.kind().equals(ResourceKind.NODE)) {
      new NodeRemoval(store).run(key.name(), revision);
    } else if (key.kind().equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      new EndpointRemoval(store).run(key, revision);
    } else {
      client.delete(key, revision);
    }
  }

  /** As upstream: calico-node alone writes it, and all agents stop without it. */
  private static void refuseReadOnly(ResourceKey key) throws InvalidResourceException {
    if (key.kind().equals(ResourceKind.CLUSTER_INFORMATION)) {
      throw new InvalidResourceException(
          key + " is read-only: calico-node writes it, and needs it", null);
    }
  }
}
