package io.calico4j.core.endpoint;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
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
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Detachments that were answered with success while the datastore was away: one file for each
 * endpoint, or for the addresses that an interface of another plugin had of {@code calico-ipam};
 * written so that it outlives a crash of the host. The link is gone already; the addresses and the
 * endpoint go when the datastore answers again.
 */
public final class TeardownRecords {
  private static final Logger log = LoggerFactory.getLogger(TeardownRecords.class);
  private static final String SUFFIX = ".json";
  private static final String ADDRESSES = "addresses";

  private static final String DIRECTORY = "teardown";

  private final Path directory;

  /** What is to be released. */
  enum Subject {
    /** An endpoint with its addresses. */
    ENDPOINT,
    /** Addresses that {@code calico-ipam} assigned for an interface of another plugin. */
    ADDRESSES
  }

  /**
   * A detachment to be finished.
   *
   * @param at when the container was detached: what was created later is another one's
   * @param step what else is to be done for an endpoint, if anything
   */
  record Pending(
      Subject subject, EndpointIdentity identity, Instant at, DetachStep.@Nullable Asked step) {}

  /**
   * What waits.
   *
   * @param count the number of records
   * @param oldest when the first of them was detached; empty when there is none
   */
  public record Waiting(int count, Optional<Instant> oldest) {}

  /** Keeps records in a directory, which is made when the first one is written. */
  public TeardownRecords(Path directory) {
    this.directory = directory;
  }

  /** Returns the directory of records in calico-node's lib directory. */
  public static Path directory(Path libDirectory) {
    return libDirectory.resolve(DIRECTORY);
  }

  /** Returns how many records there are, and since when; those that cannot be read count too. */
  public Waiting waiting() throws IOException {
    int count = 0;
    Instant oldest = null;
    for (Path file : files()) {
      try {
        Instant since = Files.getLastModifiedTime(file).toInstant();
        if (Files.isReadable(file)) {
          since = read(file).map(Pending::at).orElse(since);
        }
        oldest = oldest == null || since.isBefore(oldest) ? since : oldest;
        count++;
      } catch (NoSuchFileException e) {
        // It has been finished meanwhile.
      }
    }
    return new Waiting(
        count, Optional.ofNullable(oldest).map(t -> t.truncatedTo(ChronoUnit.SECONDS)));
  }

  /** Writes a record; when this returns it is on the disk. An older one of the endpoint goes. */
  void write(Pending pending) throws IOException {
    EndpointIdentity identity = pending.identity();
    JsonObject json = new JsonObject();
    json.addProperty("network", identity.network());
    json.addProperty("node", identity.node().text());
    json.addProperty("namespace", identity.namespace());
    json.addProperty("orchestrator", identity.orchestrator());
    json.addProperty("container", identity.workload());
    json.addProperty("interface", identity.interfaceName().text());
    json.addProperty("detached", pending.at().toString());
    if (pending.subject() == Subject.ADDRESSES) {
      json.addProperty("only", ADDRESSES);
    }
    DetachStep.Asked step = pending.step();
    if (step != null) {
      json.addProperty("step", step.name());
      json.add("request", step.request());
    }
    boolean isNew = !Files.isDirectory(directory);
    Files.createDirectories(directory);
    if (isNew) {
      sync(Objects.requireNonNull(directory.toAbsolutePath().getParent(), "not the root"));
    }
    Path file = file(pending.subject(), identity);
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

  /** Returns the record of an endpoint or of addresses, if there is one that can be read. */
  Optional<Pending> of(Subject subject, EndpointIdentity identity) {
    return read(file(subject, identity));
  }

  /** Deletes the record of an endpoint or of addresses; none is fine. */
  void delete(Subject subject, EndpointIdentity identity) throws IOException {
    Files.deleteIfExists(file(subject, identity));
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
              subject(json),
              new EndpointIdentity(
                  text(json, "network"),
                  new NodeName(text(json, "node")),
                  text(json, "namespace"),
                  text(json, "orchestrator"),
                  text(json, "container"),
                  new InterfaceName(text(json, "interface"))),
              Instant.parse(text(json, "detached")),
              json.has("step")
                  ? new DetachStep.Asked(text(json, "step"), json.getAsJsonObject("request"))
                  : null));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException
        | JsonParseException
        | IllegalStateException
        | UnsupportedOperationException
        | ClassCastException
        | IllegalArgumentException
        | DateTimeParseException e) {
      log.warn("{} is no record of a detachment, remove it: {}", file, e.toString());
      return Optional.empty();
    }
  }

  private static Subject subject(JsonObject json) {
    if (!json.has("only")) {
      return Subject.ENDPOINT;
    }
    if (!text(json, "only").equals(ADDRESSES)) {
      throw new IllegalArgumentException("\"only\" is not \"" + ADDRESSES + "\"");
    }
    return Subject.ADDRESSES;
  }

  private static String text(JsonObject json, String name) {
    if (!json.has(name)) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return json.get(name).getAsString();
  }

  private Path file(Subject subject, EndpointIdentity identity) {
    String name =
        switch (subject) {
          case ENDPOINT -> identity.key().path();
          case ADDRESSES -> ADDRESSES + " " + identity.handleId() + " " + identity.interfaceName();
        };
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      return directory.resolve(HexFormat.of().formatHex(digest) + SUFFIX);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
