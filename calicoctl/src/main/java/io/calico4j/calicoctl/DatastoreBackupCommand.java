package io.calico4j.calicoctl;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdSnapshot;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code datastore backup}: all that etcd holds, in one file. */
@Command(
    description =
        "Writes a snapshot of etcd, while it runs, to a file that only this user reads. It holds all"
            + " that etcd does, also what is not Calico's.",
    mixinStandardHelpOptions = true)
final class DatastoreBackupCommand implements Callable<Integer> {
  private final Supplier<EtcdConfig> etcd;

  @Parameters(paramLabel = "FILE", description = "where to write it; a former one is replaced")
  private Path file = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  DatastoreBackupCommand(Supplier<EtcdConfig> etcd) {
    this.etcd = etcd;
  }

  @Override
  public Integer call() throws DatastoreException, IOException {
    EtcdConfig config = etcd.get();
    long bytes = EtcdSnapshot.save(config, file);
    PrintWriter out = spec.commandLine().getOut();
    out.println(file + ": snapshot of etcd at " + config + ", " + bytes + " bytes, verified");
    out.flush();
    return 0;
  }
}
