package io.calico4j.calicoctl;

import io.calico4j.core.resource.ValidationException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code validate}: checks files as the writing commands do, without a datastore. */
@Command(
    description = "Checks resources of files without a datastore.",
    mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {
  @Option(
      names = {"-f", "--filename"},
      required = true,
      description =
          "YAML or JSON file, directory of such files, - for standard input; may be repeated")
  private List<String> files = new ArrayList<>();

  @Option(
      names = {"-R", "--recursive"},
      description = "also the files of directories in a directory that -f names")
  private boolean recursive;

  @Option(names = "--skip-empty", description = "a file without resources is no error")
  private boolean skipEmpty;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException, ValidationException {
    List<ResourceReader.Given> given = ResourceReader.read(files, recursive, skipEmpty);
    TogetherCheck.run(given);
    Set<String> kinds =
        given.stream().map(one -> one.resource().kind().kind()).collect(Collectors.toSet());
    String of = kinds.size() == 1 ? " '" + kinds.iterator().next() + "'" : "";
    spec.commandLine()
        .getOut()
        .println("Successfully validated " + given.size() + of + " resource(s)");
    spec.commandLine().getOut().flush();
    return 0;
  }
}
