package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.decision.IpamConfig;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code calicoctl ipam configure}. */
@Command(
    description = "Changes how addresses are assigned, and prints the outcome.",
    mixinStandardHelpOptions = true)
final class IpamConfigureCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(
      names = "--strictaffinity",
      description = "true: a host takes addresses of its own blocks only")
  private @Nullable Boolean strictAffinity;

  @Option(
      names = "--max-blocks-per-host",
      description =
          "at most so many blocks per host; 0 for the default of 20; needs strict affinity")
  private @Nullable Integer maxBlocksPerHost;

  @Spec private CommandSpec spec = CommandSpec.create();

  IpamConfigureCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    PrintWriter out = spec.commandLine().getOut();
    try (Datastore store = datastore.get();
        Ipam ipam = Ipam.ofCluster(store)) {
      if (strictAffinity != null || maxBlocksPerHost != null) {
        ipam.configure(strictAffinity, maxBlocksPerHost);
      }
      IpamConfig config = ipam.configuration();
      out.println(
          "strict affinity "
              + config.strictAffinity()
              + ", blocks allocated automatically "
              + config.autoAllocateBlocks()
              + ", at most "
              + config.maxBlocksPerHost()
              + " blocks per host");
      out.flush();
    }
    return 0;
  }
}
