package io.calico4j.calicoctl;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code datastore migrate lock} and {@code unlock}: while the datastore is locked plugins attach
 * nothing, so that what is read of it fits together.
 */
@Command(
    description = "Sets whether the datastore is locked: while it is, no container is attached.",
    mixinStandardHelpOptions = true)
final class DatastoreLockCommand implements Callable<Integer> {
  private static final Retry AGAIN = Retry.refused(5, List.of(ConflictException.class));

  private final Supplier<Datastore> datastore;
  private final boolean lock;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Makes the command that locks, or the one that unlocks. */
  DatastoreLockCommand(Supplier<Datastore> datastore, boolean lock) {
    this.datastore = datastore;
    this.lock = lock;
  }

  @Override
  public Integer call() throws DatastoreException {
    try (Datastore store = datastore.get()) {
      ResourceClient client = new ResourceClient(store);
      Resource<ClusterInformationSpec> unused =
          AGAIN.run(DatastoreException.class, () -> write(client));
    }
    spec.commandLine().getOut().println(lock ? "Datastore locked." : "Datastore unlocked.");
    spec.commandLine().getOut().flush();
    return 0;
  }

  private Resource<ClusterInformationSpec> write(ResourceClient client) throws DatastoreException {
    Resource<ClusterInformationSpec> stored =
        client
            .get(ResourceKind.CLUSTER_INFORMATION, "", "default")
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "ClusterInformation(default) does not exist: no calico-node has run yet",
                        null));
    ClusterInformationSpec old = stored.spec();
    return client.update(
        stored.withSpec(
            new ClusterInformationSpec(
                old.clusterGUID(), old.clusterType(), old.calicoVersion(), !lock)));
  }
}
