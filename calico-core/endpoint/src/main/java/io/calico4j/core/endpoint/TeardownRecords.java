package io.calico4j.core.endpoint;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Detachments that were answered with success while the datastore was away: one file for each
 * endpoint, written so that it outlives a crash of the host. The link is gone already; the address
 * and the endpoint go when the datastore answers again.
 */
final class TeardownRecords {
  private static final Logger log = LoggerFactory.getLogger(TeardownRecords.class);
  private static final String SUFFIX = ".json";

  private final Path directory;

  /**
   * A detachment to be finished.
   *
   * @param at when the container was detached: an endpoint that was created later is another one
   */
  record Pending(EndpointIdentity identity, Instant at) {}

  /** Keeps records in a directory, which is made when the first one is written. */
  TeardownRecords(Path directory) {
    this.directory = directory;
  }

  /** Writes a record; when this returns it is on the disk. An older one of the endpoint goes. */
  void write(Pending pending) throws IOException {
    EndpointIdentity identity = pending.identity();
    JsonObject json = new JsonObject();
    json.addProperty("network", identity.network());
    json.addProperty("node", identity.node());
    json.addProperty("namespace", identity.namespace());
    json.addProperty("orchestrator", identity.orchestrator());
    json.addProperty("container", identity.workload());
    json.addProperty("interface", identity.interfaceName());
    json.addProperty("detached", pending.at().toString());
    boolean isNew = !Files.isDirectory(directory);
    Files.createDirectories(directory);
    if (isNew) {
      sync(Objects.requireNonNull(directory.toAbsolutePath().getParent(), "not the root"));
    }
    Path file = file(identity);
    Path fresh = Files.createTempFile(directory, "record", ".new");
    try {
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(json.toString().getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
          int unused = channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      sync(directory);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Returns the record of an endpoint, if there is one that can be read. */
  Optional<Pending> of(EndpointIdentity identity) {
    return read(file(identity));
  }

  /** Deletes the record of an endpoint; none is fine. */
  void delete(EndpointIdentity identity) throws IOException {
    Files.deleteIfExists(file(identity));
  }

  /** Returns every record that can be read; the others are named in the log and stay. */
  List<Pending> all() throws IOException {
    List<Pending> pending = new ArrayList<>();
    for (Path file : files()) {
      read(file).ifPresent(pending::add);
    }
    return pending;
  }

  /** Returns the number of records. */
  int count() throws IOException {
    return files().size();
  }

  private List<Path> files() throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.toString().endsWith(SUFFIX)).sorted().toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static Optional<Pending> read(Path file) {
    try {
      JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      return Optional.of(
          new Pending(
              new EndpointIdentity(
                  text(json, "network"),
                  text(json, "node"),
                  text(json, "namespace"),
                  text(json, "orchestrator"),
                  text(json, "container"),
                  text(json, "interface")),
              Instant.parse(text(json, "detached"))));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException
        | JsonParseException
        | IllegalStateException
        | IllegalArgumentException
        | DateTimeParseException e) {
      log.warn("{} is no record of a detachment, remove it: {}", file, e.toString());
      return Optional.empty();
    }
  }

  private static String text(JsonObject json, String name) {
    if (!json.has(name)) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return json.get(name).getAsString();
  }

  private Path file(EndpointIdentity identity) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(identity.key().path().getBytes(StandardCharsets.UTF_8));
      return directory.resolve(HexFormat.of().formatHex(digest) + SUFFIX);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
