package io.calico4j.testbed;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** A container image of Debian's static busybox, in the format of {@code docker save}. */
final class BusyboxImage {
  private static final String LAYER =
      """
      set -e
      cd "$0"
      mkdir -p root/bin root/etc root/proc root/sys root/dev root/tmp
      cp "$(command -v busybox)" root/bin/
      for applet in sh sleep ip ping httpd cat; do ln -sf busybox "root/bin/$applet"; done
      tar -C root -cf layer.tar .
      """;

  private BusyboxImage() {}

  /** Writes the archive of an image that runs the command, with its parts beside it. */
  static Path write(Path directory, String name, List<String> command) throws IOException {
    Files.createDirectories(directory);
    Command.of("sh", "-c", LAYER, directory.toString()).mustRun();
    JsonArray arguments = new JsonArray();
    command.forEach(arguments::add);
    JsonObject run = new JsonObject();
    run.add("Cmd", arguments);
    JsonArray layers = new JsonArray();
    layers.add("sha256:" + sha256(directory.resolve("layer.tar")));
    JsonObject filesystem = new JsonObject();
    filesystem.addProperty("type", "layers");
    filesystem.add("diff_ids", layers);
    JsonObject configuration = new JsonObject();
    configuration.addProperty(
        "architecture", Command.of("dpkg", "--print-architecture").mustRun().strip());
    configuration.addProperty("os", "linux");
    configuration.add("config", run);
    configuration.add("rootfs", filesystem);
    Files.writeString(directory.resolve("config.json"), configuration.toString());
    String manifest =
        "[{\"Config\":\"config.json\",\"RepoTags\":[\"%s\"],\"Layers\":[\"layer.tar\"]}]";
    Files.writeString(directory.resolve("manifest.json"), manifest.formatted(name));
    Path archive = directory.resolve("image.tar");
    Command.of(
            "tar",
            "-C",
            directory.toString(),
            "-cf",
            archive.toString(),
            "manifest.json",
            "config.json",
            "layer.tar")
        .mustRun();
    return archive;
  }

  private static String sha256(Path file) throws IOException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
