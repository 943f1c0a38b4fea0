package io.calico4j.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The state that a Mesos agent's {@code network/cni} isolator keeps of its containers, in the
 * agent's own layout: {@code ID/ns}, {@code ID/NETWORK/network.conf}, {@code
 * ID/NETWORK/INTERFACE/network.info}, and the files it mounts into the container.
 *
 * @param path the isolator's root
 */
record MesosIsolatorRoot(Path path) {
  Path container(String id) {
    return path.resolve(id);
  }

  Path namespace(String id) {
    return container(id).resolve("ns");
  }

  /** Returns the ids that have state. */
  List<String> containers() throws IOException {
    return names(path);
  }

  /** Writes what a plugin gets on standard input, for ADD now and for DEL later. */
  void writeConfiguration(String id, String network, JsonObject configuration, JsonObject info)
      throws IOException {
    Path directory = Files.createDirectories(container(id).resolve(network));
    Files.writeString(directory.resolve("network.conf"), merged(configuration, info));
  }

  String configuration(String id, String network) throws IOException {
    return Files.readString(container(id).resolve(network).resolve("network.conf"));
  }

  /** Merges the NetworkInfo into the operator's file, members sorted by name. */
  private static String merged(JsonObject network, JsonObject info) {
    JsonObject merged = network.deepCopy();
    JsonObject arguments =
        merged.get("args") instanceof JsonObject given ? given : new JsonObject();
    JsonObject mesos = new JsonObject();
    mesos.add("network_info", info);
    arguments.add("org.apache.mesos", mesos);
    merged.add("args", arguments);
    return sorted(merged).toString();
  }

  private static JsonElement sorted(JsonElement element) {
    if (!(element instanceof JsonObject object)) {
      return element;
    }
    JsonObject sorted = new JsonObject();
    new TreeMap<>(object.asMap()).forEach((name, value) -> sorted.add(name, sorted(value)));
    return sorted;
  }

  void saveResult(String id, String network, String link, String result) throws IOException {
    Path saved = Files.createDirectories(container(id).resolve(network).resolve(link));
    Files.writeString(saved.resolve("network.info"), result);
  }

  /** Writes what the agent mounts into the container, with an image or without. */
  void writeHostFiles(String id, Map<String, String> addresses) throws IOException {
    Path directory = container(id);
    String hostname = id.substring(id.lastIndexOf('.') + 1);
    StringBuilder hosts = new StringBuilder("127.0.0.1 localhost\n");
    addresses.values().stream()
        .findFirst()
        .ifPresent(address -> hosts.append(address + " " + hostname + "\n"));
    Files.writeString(directory.resolve("hosts"), hosts);
    Files.writeString(directory.resolve("hostname"), hostname + "\n");
    Files.writeString(directory.resolve("resolv.conf"), "");
  }

  /** Returns the networks whose ADD was begun, with the interfaces of those that were joined. */
  Map<String, List<String>> networks(String id) throws IOException {
    Map<String, List<String>> networks = new LinkedHashMap<>();
    for (String network : names(container(id))) {
      if (Files.exists(container(id).resolve(network).resolve("network.conf"))) {
        networks.put(network, names(container(id).resolve(network)));
      }
    }
    return networks;
  }

  /** Reads the saved results again, as recovery does; a damaged one is an error. */
  void readResults(String id) throws IOException {
    for (Map.Entry<String, List<String>> network : networks(id).entrySet()) {
      for (String link : network.getValue()) {
        Path saved = container(id).resolve(network.getKey()).resolve(link).resolve("network.info");
        var unused = JsonParser.parseString(Files.readString(saved)).getAsJsonObject();
      }
    }
  }

  /** Tells whether the bind mount is still one; after a reboot it is a plain file. */
  boolean hasNamespace(String id) throws IOException {
    return Command.of("stat", "-f", "-c", "%T", namespace(id).toString())
        .mustRun()
        .contains("nsfs");
  }

  void forgetInterface(String id, String network, String link) throws IOException {
    delete(container(id).resolve(network).resolve(link));
  }

  void unmount(String id) throws IOException {
    var unused = Command.of("umount", namespace(id).toString()).run();
  }

  void forget(String id) throws IOException {
    unmount(id);
    delete(container(id));
  }

  private static List<String> names(Path parent) throws IOException {
    try (Stream<Path> files = Files.list(parent)) {
      return files
          .filter(Files::isDirectory)
          .map(directory -> String.valueOf(directory.getFileName()))
          .sorted()
          .toList();
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
