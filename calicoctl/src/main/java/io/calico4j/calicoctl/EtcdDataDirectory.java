package io.calico4j.calicoctl;

import io.calico4j.core.kernel.linux.LibC;
import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The data directory of an etcd of one member: {@code member/wal} and {@code member/snap}. */
final class EtcdDataDirectory {
  /** etcd 3.5 and later have the first, etcd before 3.6 the other. */
  private static final List<String> PROGRAMS = List.of("etcdutl", "etcdctl");

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Path directory;
  private final Clock clock;

  EtcdDataDirectory(Path directory, Clock clock) {
    this.directory = directory.toAbsolutePath();
    this.clock = clock;
  }

  /** Tells whether there are no data in it. */
  boolean isEmpty() throws IOException {
    if (!Files.exists(directory)) {
      return true;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }

  /** Tells whether an etcd has it open, wherever that runs: it locks its log (fcntl(2)). */
  boolean isInUse() throws IOException {
    Path log = directory.resolve("member/wal");
    if (!Files.exists(log)) {
      return false;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(log, "*.wal")) {
      for (Path file : files) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock()) {
          if (lock == null) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /**
   * Restores a snapshot, beside the directory first, so that a snapshot that etcd's own program
   * refuses changes nothing. Then both change places at once: whenever this is killed, there are
   * either the former data or the restored ones, and it can be repeated. Nothing is deleted.
   *
   * @param snapshot the snapshot's file
   * @param member the member's name
   * @param peerUrl the member's URL for others, of which there are none
   * @param path where programs are looked for
   * @return where the data are that were there before; empty when there were none
   */
  Optional<Path> restore(Path snapshot, String member, String peerUrl, String path)
      throws IOException {
    Path program = program(path);
    Path fresh = directory.resolveSibling(directory.getFileName() + ".restored");
    if (Files.exists(fresh)) {
      // What one that was killed has left: perhaps the former data.
      Path unused = moveAside(fresh);
    }
    run(
        List.of(
            program.toString(),
            "snapshot",
            "restore",
            snapshot.toString(),
            "--name=" + member,
            "--data-dir=" + fresh,
            "--initial-cluster=" + member + "=" + peerUrl,
            "--initial-advertise-peer-urls=" + peerUrl));
    Optional<Path> aside = Optional.empty();
    if (isEmpty()) {
      boolean unused = Files.deleteIfExists(directory);
      Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
    } else {
      exchange(fresh, directory);
      aside = Optional.of(moveAside(fresh));
    }
    try (FileChannel names = FileChannel.open(directory.resolveSibling(""))) {
      names.force(true);
    }
    return aside;
  }

  private Path moveAside(Path data) throws IOException {
    Path aside =
        directory.resolveSibling(directory.getFileName() + "." + TIME.format(clock.instant()));
    return Files.move(data, aside, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void exchange(Path one, Path other) throws IOException {
    try {
      int result =
          LibC.INSTANCE.renameat2(
              LibC.AT_FDCWD, one.toString(), LibC.AT_FDCWD, other.toString(), LibC.RENAME_EXCHANGE);
      if (result != 0) {
        throw new IOException(
            LibC.failure("exchange " + one + " with", other.toString()).getMessage());
      }
    } catch (LinkageError e) {
      throw new IOException(one + " cannot be exchanged with " + other + ": " + e, e);
    }
  }

  private static Path program(String path) throws IOException {
    for (String name : PROGRAMS) {
      for (String place : path.split(File.pathSeparator, -1)) {
        Path program = Path.of(place, name);
        if (Files.isExecutable(program)) {
          return program;
        }
      }
    }
    throw new IOException(
        "neither "
            + String.join(" nor ", PROGRAMS)
            + " is in PATH ("
            + path
            + "): install etcd-client");
  }

  private static void run(List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("ETCD"));
    builder.environment().put("ETCDCTL_API", "3");
    Process process = builder.start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException(
            String.join(" ", command) + " ended with status " + status + ": " + said.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
      throw new InterruptedIOException("interrupted");
    }
  }

  @Override
  public String toString() {
    return directory.toString();
  }
}
