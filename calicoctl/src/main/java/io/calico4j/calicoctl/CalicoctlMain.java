package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.kernel.linux.LibC;
import io.calico4j.core.resource.ValidationException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The operator's command line. Exit status: 0 done, 1 an error that is printed, 2 wrong usage. The
 * datastore is named by ETCD_ENDPOINTS and upstream's other ETCD_* variables.
 */
@Command(
    name = "calicoctl",
    description = "Reads and writes Calico's resources, and shows a node's and IPAM's state.",
    mixinStandardHelpOptions = true)
public final class CalicoctlMain {
  @Option(
      names = {"-c", "--config"},
      scope = CommandLine.ScopeType.INHERIT,
      description =
          "file with the connection to the datastore (default ${DEFAULT-VALUE}, and the ETCD_*"
              + " variables when there is no such file, and what calico-node of this host uses"
              + " when there are none)",
      defaultValue = ApiConfig.DEFAULT_FILE)
  private String config = ApiConfig.DEFAULT_FILE;

  /** An operator waits longer than a container: what a busy etcd answers late still counts. */
  private static final Duration REQUEST = Duration.ofSeconds(15);

  private CalicoctlMain() {}

  /** Runs a command and exits with its status. */
  public static void main(String[] arguments) {
    System.setProperty("java.util.logging.SimpleFormatter.format", "calicoctl: %5$s%6$s%n");
    java.util.logging.Logger.getLogger("").setLevel(java.util.logging.Level.SEVERE);
    Map<String, String> environment = System.getenv();
    CalicoctlMain options = new CalicoctlMain();
    CommandLine line =
        commandLine(
            options, () -> EtcdDatastore.connectAtOnce(etcd(options, environment)), environment);
    end(line.execute(arguments));
  }

  private static EtcdConfig etcd(CalicoctlMain options, Map<String, String> environment) {
    return EtcdConfig.fromEnvironment(
            LocalEtcd.complete(
                ApiConfig.read(options.config, environment), LocalEtcd.libDirectory(environment)))
        .withTimeout(REQUEST);
  }

  /** Ends without the JVM's wait for the threads of the etcd client, where that is possible. */
  private static void end(int status) {
    System.out.flush();
    System.err.flush();
    try {
      LibC.endProcess(status);
    } catch (LinkageError e) {
      System.exit(status);
    }
  }

  /** Makes the command line over a datastore, connected only by the commands that need it. */
  public static CommandLine commandLine(
      Supplier<Datastore> datastore, Map<String, String> environment) {
    return commandLine(new CalicoctlMain(), datastore, environment);
  }

  private static CommandLine commandLine(
      CalicoctlMain options, Supplier<Datastore> datastore, Map<String, String> environment) {
    CommandLine line = new CommandLine(options);
    for (WriteCommand.Mode mode : WriteCommand.Mode.values()) {
      line.addSubcommand(
          mode.name().toLowerCase(java.util.Locale.ROOT), new WriteCommand(datastore, mode));
    }
    line.addSubcommand("get", new GetCommand(datastore));
    line.addSubcommand("patch", new PatchCommand(datastore));
    line.addSubcommand("label", new LabelCommand(datastore));
    line.addSubcommand("validate", new ValidateCommand());
    line.addSubcommand("version", new VersionCommand(datastore));
    line.addSubcommand(
        "ipam",
        group("Shows and repairs what is known of addresses.")
            .addSubcommand("show", new IpamShowCommand(datastore))
            .addSubcommand("check", new IpamCheckCommand(datastore))
            .addSubcommand("release", new IpamReleaseCommand(datastore))
            .addSubcommand("configure", new IpamConfigureCommand(datastore)));
    line.addSubcommand(
        "policy",
        group("Tells what policy does.")
            .addSubcommand("explain", new PolicyExplainCommand(datastore)));
    line.addSubcommand(
        "node",
        group("Starts, shows and checks calico-node of this host.")
            .addSubcommand("status", new NodeStatusCommand(environment))
            .addSubcommand("checksystem", new NodeCheckSystemCommand(environment))
            .addSubcommand("diags", new NodeDiagsCommand(environment, Clock.systemUTC()))
            .addSubcommand(
                "run",
                new NodeRunCommand(
                    () -> ApiConfig.read(options.config, environment), environment)));
    line.addSubcommand(
        "datastore",
        group("Saves and restores what etcd holds.")
            .addSubcommand("backup", new DatastoreBackupCommand(() -> etcd(options, environment)))
            .addSubcommand("restore", new DatastoreRestoreCommand(environment))
            .addSubcommand(
                "migrate",
                group(
                        "Locks the datastore, so that containers are attached no more, and unlocks it.")
                    .addSubcommand("lock", new DatastoreLockCommand(datastore, true))
                    .addSubcommand("unlock", new DatastoreLockCommand(datastore, false))));
    line.addSubcommand("completion", new Completion(line));
    line.setExecutionExceptionHandler(
        (exception, command, result) -> {
          if (exception instanceof DatastoreException
              || exception instanceof ValidationException
              || exception instanceof IOException
              || exception instanceof IllegalArgumentException) {
            String.valueOf(exception.getMessage())
                .lines()
                .forEach(text -> command.getErr().println("calicoctl: " + text));
            command.getErr().flush();
            return 1;
          }
          throw exception;
        });
    return line;
  }

  private static CommandLine group(String description) {
    CommandLine group = new CommandLine(new Group());
    group.getCommandSpec().usageMessage().description(description);
    return group;
  }

  /** A command that only has subcommands. */
  @Command(mixinStandardHelpOptions = true)
  static final class Group {}

  @Command(description = "Prints a completion script for bash: source it.")
  static final class Completion implements Runnable {
    private final CommandLine line;

    Completion(CommandLine line) {
      this.line = line;
    }

    @Override
    public void run() {
      PrintWriter out = line.getOut();
      out.print(AutoComplete.bash("calicoctl", line));
      out.flush();
    }
  }
}
