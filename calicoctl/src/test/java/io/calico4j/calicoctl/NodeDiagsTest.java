package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code node diags} collects. */
class NodeDiagsTest {
  @TempDir private Path directory;

  @Test
  void answersAndLogsAreInOneFileAndSecretsAreNot() throws Exception {
    Path run = Files.createDirectories(directory.resolve("run"));
    Files.writeString(run.resolve("bird.log"), "a line of bird's");
    Files.writeString(run.resolve("bird.cfg"), "password \"hidden\";");
    Path more = Files.createDirectories(directory.resolve("more"));
    Files.writeString(more.resolve("app.log.1"), "an older line");
    CommandLine line =
        new CommandLine(
            new NodeDiagsCommand(
                Map.of("CALICO_RUN_DIR", run.toString()),
                Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC)));
    StringWriter out = new StringWriter();
    line.setOut(new PrintWriter(out));
    assertThat(line.execute("--output-dir=" + directory, "--log-dir=" + more)).isZero();

    Path file = directory.resolve("diags-20260102_030405.tar.gz");
    assertThat(out.toString()).endsWith("Diags saved to " + file + "\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Process list = new ProcessBuilder("tar", "-tzf", file.toString()).start();
    assertThat(new String(list.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains(
            "diagnostics/uname.txt",
            "diagnostics/nftables.txt",
            "diagnostics/logs/bird.log",
            "diagnostics/more-logs/app.log.1")
        .doesNotContain("bird.cfg");
  }
}
