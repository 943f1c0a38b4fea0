package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.IpamCheck;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code ipam check}: what IPAM says beside what is used. Changes nothing. */
@Command(
    description = "Compares assigned addresses with used ones; exits with 1 on a problem.",
    mixinStandardHelpOptions = true)
final class IpamCheckCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Spec private CommandSpec spec = CommandSpec.create();

  IpamCheckCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    PrintWriter out = spec.commandLine().getOut();
    List<IpamCheck.Problem> problems;
    try (Datastore store = datastore.get()) {
      problems = IpamCheck.run(store);
    }
    Table table = new Table(List.of("PROBLEM", "SUBJECT", "DETAIL"));
    problems.forEach(p -> table.row(List.of(p.kind().name(), p.subject(), p.detail())));
    if (problems.isEmpty()) {
      out.println("no problem found");
    } else {
      table.print(out);
    }
    out.flush();
    return problems.isEmpty() ? 0 : 1;
  }
}
