package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Which calico-node is asked, and what becomes of its answer. */
class NodeCheckSystemTest {
  @TempDir private Path directory;

  private Path place(String name) throws IOException {
    return Files.createDirectories(directory.resolve(name));
  }

  @Test
  void theFirstOneThatIsThereIsAsked() throws Exception {
    Path empty = place("empty");
    Path script =
        Files.writeString(
            place("bin").resolve("calico-node"),
            "#!/bin/sh\necho \"$*: bird is missing\"\necho said >&2\nexit 1\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    StringWriter out = new StringWriter();
    CommandLine line =
        new CommandLine(new NodeCheckSystemCommand(List.of(empty, script.getParent())))
            .setOut(new PrintWriter(out));
    assertThat(line.execute()).isEqualTo(1);
    assertThat(out.toString().lines()).containsExactly("--check: bird is missing", "said");
  }

  @Test
  void whereThereIsNoneThePlacesAreNamed() throws Exception {
    Path first = place("first");
    Path second = place("second");
    assertThatThrownBy(() -> new NodeCheckSystemCommand(List.of(first, second)).call())
        .isInstanceOf(IOException.class)
        .hasMessage(
            "calico-node is not installed here: it was looked for in " + first + ", " + second);
  }
}
