package io.calico4j.felix.status;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the directory of status files: what an endpoint does not ask for goes, also what an earlier
 * agent has left. A file is there as a whole or not at all. Not for several threads.
 */
public final class StatusFiles {
  private static final Logger log = LoggerFactory.getLogger(StatusFiles.class);
  private static final String DIRECTORY = "endpoint-status";

  /** A file that is being written; no endpoint's begins so. */
  private static final String UNFINISHED = ".unfinished";

  private Optional<Path> directory = Optional.empty();

  /** Content by name; what is in the directory as far as this process knows. */
  private final Map<String, String> written = new HashMap<>();

  /** What could not be done at the last call. */
  private Set<String> failures = Set.of();

  /**
   * Writes what is missing or has changed, and removes the rest.
   *
   * @param prefix where the directory is; without it there are no files
   * @return false when something is still to be done, which the next call tries again
   */
  public boolean put(Optional<Path> prefix, Collection<StatusFile> files) {
    Optional<Path> wanted = prefix.map(path -> path.resolve(DIRECTORY));
    boolean done = true;
    if (!wanted.equals(directory)) {
      if (directory.isPresent()) {
        done = write(directory.get(), Map.of());
      }
      written.clear();
      directory = wanted;
      done &= wanted.isEmpty() || begin(wanted.get());
    }
    if (directory.isEmpty()) {
      return done;
    }
    Map<String, String> byName = new TreeMap<>();
    files.forEach(file -> byName.put(file.name(), file.content()));
    return write(directory.get(), byName) && done;
  }

  /** Notes what is in the directory, so that it goes unless it is asked for. */
  private boolean begin(Path in) {
    try {
      Files.createDirectories(in);
      try (DirectoryStream<Path> present = Files.newDirectoryStream(in, Files::isRegularFile)) {
        present.forEach(file -> written.put(file.getFileName().toString(), ""));
      }
      return true;
    } catch (IOException e) {
      log.error("{} cannot be read, no plugin learns there what is in force: {}", in, e.toString());
      directory = Optional.empty();
      return false;
    }
  }

  private boolean write(Path in, Map<String, String> files) {
    Set<String> superfluous = new HashSet<>(written.keySet());
    superfluous.removeAll(files.keySet());
    Set<String> left = new TreeSet<>();
    for (String name : superfluous) {
      try {
        boolean unused = Files.deleteIfExists(in.resolve(name));
        written.remove(name);
      } catch (IOException e) {
        left.add(e.toString());
      }
    }
    for (Map.Entry<String, String> file : files.entrySet()) {
      if (!file.getValue().equals(written.get(file.getKey()))) {
        try {
          write(in, file.getKey(), file.getValue());
          written.put(file.getKey(), file.getValue());
        } catch (IOException e) {
          left.add(e.toString());
        }
      }
    }
    if (!left.isEmpty() && !left.equals(failures)) {
      log.error("status files in {} are not as they ought to be, will try again: {}", in, left);
    }
    failures = left;
    return left.isEmpty();
  }

  private static void write(Path in, String name, String content) throws IOException {
    Path unfinished = in.resolve(UNFINISHED);
    try {
      Files.writeString(unfinished, content, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      Files.createDirectories(in);
      Files.writeString(unfinished, content, StandardCharsets.UTF_8);
    }
    Files.move(
        unfinished,
        in.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }
}
