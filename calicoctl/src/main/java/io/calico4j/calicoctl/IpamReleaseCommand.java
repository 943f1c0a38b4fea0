package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code calicoctl ipam release}. */
@Command(
    description =
        "Releases addresses whoever holds them: for addresses that nobody uses, see ipam check.",
    mixinStandardHelpOptions = true)
final class IpamReleaseCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(names = "--ip", required = true, description = "the address; may be repeated")
  private List<String> addresses = List.of();

  @Spec private CommandSpec spec = CommandSpec.create();

  IpamReleaseCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    List<IpAddress> parsed = addresses.stream().map(IpAddress::parse).toList();
    int missing = 0;
    try (Datastore store = datastore.get();
        Ipam ipam = Ipam.ofCluster(store)) {
      for (IpAddress address : parsed) {
        boolean released = ipam.release(address);
        missing += released ? 0 : 1;
        spec.commandLine()
            .getOut()
            .println(address + (released ? " is released" : " was not assigned"));
      }
      spec.commandLine().getOut().flush();
    }
    return missing == 0 ? 0 : 1;
  }
}
