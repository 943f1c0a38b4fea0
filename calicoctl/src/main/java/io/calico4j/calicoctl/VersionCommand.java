package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code version}. */
@Command(
    description = "Shows the client's and the cluster's version.",
    mixinStandardHelpOptions = true)
final class VersionCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(names = "--client", description = "the client's only; the datastore is not asked")
  private boolean clientOnly;

  @Spec private CommandSpec spec = CommandSpec.create();

  VersionCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException, IOException {
    PrintWriter out = spec.commandLine().getOut();
    out.println("Client Version:    " + ownVersion());
    if (!clientOnly) {
      try (Datastore store = datastore.get()) {
        Optional<Resource<ClusterInformationSpec>> information =
            new ResourceClient(store).get(ResourceKind.CLUSTER_INFORMATION, "", "default");
        if (information.isEmpty()) {
          out.println("Cluster Version:   unknown (no calico-node has run yet)");
        } else {
          out.println("Cluster Version:   " + information.get().spec().calicoVersion());
          out.println("Cluster Type:      " + information.get().spec().clusterType());
          out.println("Cluster GUID:      " + information.get().spec().clusterGUID());
        }
      }
    }
    out.flush();
    return 0;
  }

  /** Reads what the build left: the version that the root pom names. */
  static String ownVersion() throws IOException {
    Properties properties = new Properties();
    try (InputStream in = VersionCommand.class.getResourceAsStream("version.properties")) {
      properties.load(Objects.requireNonNull(in, "version.properties is not in the jar"));
    }
    return properties.getProperty("version");
  }
}
