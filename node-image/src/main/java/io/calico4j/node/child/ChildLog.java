package io.calico4j.node.child;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The file to which a child of calico-node prints. The child outlives calico-node and goes on
 * printing to the same open file; so a file that has become too long is copied to {@code FILE.1},
 * in place of what was there, and emptied. There are never more than these two files, of {@value
 * #MAX_BYTES} bytes and what is printed between two looks.
 */
public final class ChildLog {
  private static final long MAX_BYTES = 8L << 20;
  private static final int TAIL_BYTES = 4096;

  private final Path file;

  /** Describes it; it is made when a child begins. */
  public ChildLog(Path file) {
    this.file = file;
  }

  /** Returns where a child's output goes: what is in the file stays before it. */
  public ProcessBuilder.Redirect redirect() {
    return ProcessBuilder.Redirect.appendTo(file.toFile());
  }

  /** Keeps what was printed last, if that is too much. To be called now and then. */
  public void bound() throws IOException {
    if (Files.exists(file) && Files.size(file) > MAX_BYTES) {
      Files.copy(
          file,
          file.resolveSibling(file.getFileName() + ".1"),
          StandardCopyOption.REPLACE_EXISTING);
      Files.write(file, new byte[0]);
    }
  }

  /** Returns the last line, which often says why a child has ended; empty when there is none. */
  public String lastLine() {
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      byte[] tail = new byte[(int) Math.min(TAIL_BYTES, in.length())];
      in.seek(in.length() - tail.length);
      in.readFully(tail);
      String text = new String(tail, StandardCharsets.ISO_8859_1).strip();
      return text.substring(text.lastIndexOf('\n') + 1).strip();
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
