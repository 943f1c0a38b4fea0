package io.calico4j.calicoctl;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds and decodes the files that {@code -f} names: files of any name, {@code -} for standard
 * input, and the files of a directory that end as upstream's do.
 */
final class InputFiles {
  private static final Set<String> ENDINGS = Set.of("yaml", "yml", "json");

  /** How the bytes of a text may begin, and its encoding then. */
  private static final Map<String, Charset> MARKS =
      Map.of(
          "\u00ef\u00bb\u00bf", StandardCharsets.UTF_8,
          "\u00ff\u00fe", StandardCharsets.UTF_16LE,
          "\u00fe\u00ff", StandardCharsets.UTF_16BE);

  private InputFiles() {}

  /**
   * One file.
   *
   * @param name how messages call it
   * @param bytes what is in it
   */
  record Input(String name, byte[] bytes) {
    /**
     * Decodes it: UTF-8, or UTF-16 behind a byte order mark.
     *
     * @throws CharacterCodingException naming the line that is neither
     */
    String text() throws CharacterCodingException {
      String latin = new String(bytes, 0, Math.min(3, bytes.length), StandardCharsets.ISO_8859_1);
      Charset charset = StandardCharsets.UTF_8;
      int skip = 0;
      for (Map.Entry<String, Charset> mark : MARKS.entrySet()) {
        if (latin.startsWith(mark.getKey())) {
          charset = mark.getValue();
          skip = mark.getKey().length();
        }
      }
      ByteBuffer in = ByteBuffer.wrap(bytes, skip, bytes.length - skip);
      CharBuffer out = CharBuffer.allocate(bytes.length + 1);
      CoderResult result = charset.newDecoder().decode(in, out, true);
      String text = out.flip().toString();
      if (result.isError()) {
        long line = text.chars().filter(c -> c == '\n').count() + 1;
        throw new NotText("line " + line + ": is not " + charset + ": save it as UTF-8");
      }
      return text;
    }
  }

  private static final class NotText extends CharacterCodingException {
    private static final long serialVersionUID = 1;

    private final String message;

    NotText(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }
  }

  /**
   * Reads the files.
   *
   * @param recursive whether directories in directories count
   * @throws IOException naming what cannot be read
   */
  static List<Input> read(List<String> names, boolean recursive) throws IOException {
    List<Input> inputs = new ArrayList<>();
    for (String name : names) {
      Path path = Path.of(name);
      if (name.equals("-")) {
        inputs.add(new Input("standard input", System.in.readAllBytes()));
      } else if (Files.isDirectory(path)) {
        List<Path> files = filesOf(path, recursive);
        if (files.isEmpty()) {
          throw new IOException(
              "no resources specified in directory " + name + ": no file ends as " + ENDINGS);
        }
        for (Path file : files) {
          inputs.add(new Input(file.toString(), Files.readAllBytes(file)));
        }
      } else {
        inputs.add(file(name, path));
      }
    }
    return inputs;
  }

  private static Input file(String name, Path path) throws IOException {
    try {
      return new Input(name, Files.readAllBytes(path));
    } catch (NoSuchFileException e) {
      throw new IOException(name + " does not exist", e);
    }
  }

  private static List<Path> filesOf(Path directory, boolean recursive) throws IOException {
    try (Stream<Path> files = Files.walk(directory, recursive ? Integer.MAX_VALUE : 1)) {
      return files.filter(InputFiles::isInput).sorted().toList();
    }
  }

  private static boolean isInput(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1)) && Files.isRegularFile(file);
  }
}
