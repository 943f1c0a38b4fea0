package io.calico4j.node.child;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a child that goes on printing leaves on the disk. */
class ChildLogTest {
  private static final int MEGABYTE = 1 << 20;

  @TempDir private Path directory;

  @Test
  void aChildThatPrintsForEverFillsTwoFilesAtMost() throws Exception {
    ChildLog log = new ChildLog(directory.resolve("child.log"));
    Process child = new ProcessBuilder(List.of("cat")).redirectOutput(log.redirect()).start();
    byte[] megabyte = "x".repeat(MEGABYTE).getBytes(StandardCharsets.US_ASCII);
    long printed = 0;
    try (OutputStream in = child.getOutputStream()) {
      for (int i = 0; i < 30; i++) {
        in.write(megabyte);
        in.flush();
        printed += MEGABYTE;
        log.bound();
        assertThat(size()).isLessThan(18L * MEGABYTE);
      }
      in.write("the end\n".getBytes(StandardCharsets.US_ASCII));
    }
    assertThat(child.waitFor()).isZero();
    assertThat(printed).isGreaterThan(size());
    assertThat(log.lastLine()).endsWith("the end");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("child.log", "child.log.1");
    }
  }

  private long size() throws Exception {
    long size = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        size += Files.size(file);
      }
    }
    return size;
  }

  @Test
  void theLastLineIsFound() throws Exception {
    Path file = directory.resolve("child.log");
    ChildLog log = new ChildLog(file);
    assertThat(log.lastLine()).isEmpty();
    log.bound();
    Files.writeString(file, "one\n");
    assertThat(log.lastLine()).isEqualTo("one");
    Files.writeString(file, "one\ntwo\r\n\n");
    assertThat(log.lastLine()).isEqualTo("two");
    Files.writeString(file, "x\n".repeat(9000) + "last");
    assertThat(log.lastLine()).isEqualTo("last");
  }
}
