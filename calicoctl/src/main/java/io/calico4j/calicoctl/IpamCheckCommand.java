package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.IpamCheck;
import io.calico4j.core.ipam.IpamRepair;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ipam check}: what IPAM says beside what is used. Changes nothing. */
@Command(
    description = "Compares assigned addresses with used ones; exits with 1 on a problem.",
    mixinStandardHelpOptions = true)
final class IpamCheckCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(
      names = "--repair",
      description = "puts right what is certain: leaked addresses, wrong handles and affinities")
  private boolean repair;

  @Option(
      names = "--grace",
      defaultValue = "60",
      description =
          "with --repair: seconds between the two checks that must agree (default ${DEFAULT-VALUE})")
  private int grace;

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
      if (repair && !problems.isEmpty()) {
        problems = repair(store, problems, out);
      }
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

  private List<IpamCheck.Problem> repair(
      Datastore store, List<IpamCheck.Problem> found, PrintWriter out) throws DatastoreException {
    out.println(found.size() + " problems, checking again in " + grace + " s");
    out.flush();
    try {
      TimeUnit.SECONDS.sleep(grace);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return found;
    }
    IpamRepair.run(store, found)
        .forEach(p -> out.println("repaired " + p.kind() + " " + p.subject() + ": " + p.detail()));
    return IpamCheck.run(store);
  }
}
