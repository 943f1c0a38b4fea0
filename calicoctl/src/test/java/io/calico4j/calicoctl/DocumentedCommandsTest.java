package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Every calicoctl command in the documentation is one that calicoctl takes. */
class DocumentedCommandsTest {
  private static final Pattern COMMAND =
      Pattern.compile("(?m)(?:`|^    (?:[A-Z_]+=\\S+ )*)calicoctl ([^`\\n]+)");

  /** What ends a command: a comment, another command, a file that is written. */
  private static final Pattern END = Pattern.compile(" +#.*| *[;|>&].*| *<\\(.*|\\)$");

  @Test
  void calicoctlTakesThem() throws IOException {
    List<String> refused = new ArrayList<>();
    int commands = 0;
    for (Path document : documents()) {
      Matcher found = COMMAND.matcher(Files.readString(document));
      while (found.find()) {
        String command = END.matcher(found.group(1)).replaceFirst("").strip();
        if (isForm(command)) {
          continue;
        }
        commands++;
        try {
          CommandLine.ParseResult unused =
              CalicoctlMain.commandLine(MemoryDatastore::new, Map.of())
                  .parseArgs(command.split(" +", -1));
        } catch (CommandLine.MissingParameterException e) {
          // A command's name alone is no command that is to be run.
          assertThat(e.getMissing()).isNotEmpty();
        } catch (CommandLine.ParameterException e) {
          refused.add(document + ": calicoctl " + command + ": " + e.getMessage());
        }
      }
    }
    assertThat(refused).isEmpty();
    assertThat(commands).isGreaterThan(50);
  }

  /** A command's form, with parts that may be left out, or with quotations of the shell's. */
  private static boolean isForm(String command) {
    return command.isEmpty() || command.matches(".*[\\[…'\"].*") || command.contains("/");
  }

  private static List<Path> documents() throws IOException {
    Path top = Path.of("..");
    try (Stream<Path> files = Files.walk(top)) {
      return files
          .filter(file -> file.toString().endsWith(".md"))
          .filter(file -> !file.toString().contains("/target/"))
          .filter(file -> !file.startsWith(top.resolve("dist")))
          .sorted()
          .toList();
    }
  }
}
