package io.calico4j.node;

import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.setting.Settings;
import io.calico4j.node.check.CheckResult;
import io.calico4j.node.check.SystemCheck;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code calico-node} with arguments: it does what they say, and ends. */
@Command(
    name = "calico-node",
    synopsisHeading = "Usage: ",
    description = "Without arguments it runs the agent of this host.",
    versionProvider = NodeCommand.Version.class)
final class NodeCommand implements Callable<Integer> {
  /** The option that removes what Go's Felix left. */
  static final String TAKE_OVER = "--take-over";

  private final Map<String, String> environment;
  private final PrintStream out;
  private final PrintStream errors;

  @ArgGroup(multiplicity = "1")
  private Choice choice = new Choice();

  /** One of these. */
  static final class Choice {
    @Option(names = TAKE_OVER, description = "Remove what Go's Felix left in nftables.")
    boolean takeOver;

    @Option(
        names = "--check",
        description =
            "Show whether this host has what calico-node needs, with a remedy for what it has"
                + " not; changes nothing. Exit code 1 where something is missing.")
    boolean check;

    @Option(
        names = {"--help", "-h"},
        description = "Show this, and the variables of the environment.")
    boolean help;

    @Option(
        names = {"--version", "-V"},
        description = "Show the version.")
    boolean version;
  }

  /** The version that the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {version()};
    }
  }

  /** Returns the program's name and version. */
  static String version() {
    String version = NodeCommand.class.getPackage().getImplementationVersion();
    return "calico-node " + (version == null ? "(not installed)" : version);
  }

  private NodeCommand(Map<String, String> environment, PrintStream out, PrintStream errors) {
    this.environment = environment;
    this.out = out;
    this.errors = errors;
  }

  /**
   * Does what the arguments say.
   *
   * @return the exit status: 0 done, 1 refused, 2 arguments that make no sense
   */
  static int run(
      List<String> arguments,
      Map<String, String> environment,
      PrintStream out,
      PrintStream errors) {
    return new CommandLine(new NodeCommand(environment, out, errors))
        .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(errors, true, StandardCharsets.UTF_8))
        .execute(arguments.toArray(String[]::new));
  }

  @Override
  public Integer call() {
    CommandLine command = new CommandLine(this);
    if (choice.help) {
      command.usage(out);
      out.println("\nFelix' own parameters: felix/README.md.\n\n" + NodeTables.help());
      return 0;
    }
    if (choice.version) {
      command.printVersionHelp(out);
      return 0;
    }
    return choice.check ? check() : TakeOver.run(out, errors);
  }

  private int check() {
    try {
      Settings.check(NodeTables.ALL, environment, warning -> errors.println(warning));
    } catch (IllegalArgumentException e) {
      errors.println("calico-node: " + e.getMessage());
      return 1;
    }
    Optional<EtcdConfig> etcd =
        EtcdSettings.isOwn(environment)
            ? Optional.empty()
            : Optional.of(EtcdConfig.fromEnvironment(environment));
    List<CheckResult> results =
        new SystemCheck(new LinuxKernel()).run(etcd, NodeSettings.usesBird(environment));
    out.print(CheckResult.table(results));
    return CheckResult.isFine(results) ? 0 : 1;
  }
}
