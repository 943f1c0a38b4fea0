package io.calico4j.node.bird;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * bird's configuration file. It may hold passwords: only its owner can read it, and what is said of
 * it has none.
 */
final class BirdFile {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private final Path file;

  BirdFile(Path file) {
    this.file = file;
  }

  /**
   * Puts a text in the file's place, if bird accepts it.
   *
   * @throws IOException when bird refuses it, in bird's words; the file stays
   */
  void install(BgpView view, String text) throws IOException, InterruptedException {
    Path next = file.resolveSibling(file.getFileName() + ".next");
    write(next, text);
    Process check =
        new ProcessBuilder("bird", "-p", "-c", next.toString()).redirectErrorStream(true).start();
    String output = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (check.waitFor() != 0) {
      throw new IOException(
          "bird refuses the new configuration: " + withoutPasswords(view, output.strip()));
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void write(Path next, String text) throws IOException {
    if (!Files.exists(next)) {
      Files.createFile(next, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    }
    try (FileChannel channel =
        FileChannel.open(next, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
      Files.setPosixFilePermissions(next, OWNER_ONLY);
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        int unused = channel.write(bytes);
      }
    }
  }

  static String withoutPasswords(BgpView view, String text) {
    String shown = text;
    for (BgpView.Family family : view.families()) {
      for (BgpSession session : family.sessions()) {
        Password password = session.options().password();
        if (password != null) {
          shown = shown.replace(password.text(), "…");
        }
      }
    }
    return shown;
  }
}
