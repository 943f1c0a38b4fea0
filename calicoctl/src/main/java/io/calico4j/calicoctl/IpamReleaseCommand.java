package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamCheck;
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
        "Releases addresses whose endpoints are gone. To find and repair all of them see ipam check.",
    mixinStandardHelpOptions = true)
final class IpamReleaseCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(names = "--ip", required = true, description = "the address; may be repeated")
  private List<String> addresses = List.of();

  @Option(
      names = "--force",
      description = "also an address that an endpoint or node uses: another one may get it then")
  private boolean force;

  @Spec private CommandSpec spec = CommandSpec.create();

  IpamReleaseCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    List<IpAddress> parsed = addresses.stream().map(IpAddress::parse).toList();
    int failed = 0;
    try (Datastore store = datastore.get();
        Ipam ipam = Ipam.ofCluster(store)) {
      for (IpAddress address : parsed) {
        if (!mayRelease(store, address)) {
          failed++;
          continue;
        }
        boolean released = ipam.release(address);
        failed += released ? 0 : 1;
        spec.commandLine()
            .getOut()
            .println(address + (released ? " is released" : " was not assigned"));
      }
      spec.commandLine().getOut().flush();
    }
    return failed == 0 ? 0 : 1;
  }

  private boolean mayRelease(Datastore store, IpAddress address) throws DatastoreException {
    List<String> users = IpamCheck.usersOf(store, address);
    if (users.isEmpty()) {
      return true;
    }
    spec.commandLine()
        .getErr()
        .println(
            (force ? "warning: " : "calicoctl: ")
                + address
                + " is used by "
                + String.join(", ", users)
                + (force
                    ? ", which keeps it: another container may get it too"
                    : ": delete that, or release it all the same with --force"));
    spec.commandLine().getErr().flush();
    return force;
  }
}
