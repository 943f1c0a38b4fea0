package io.calico4j.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs the plugins of a network configuration list on a host as CNI's reference library does: each
 * gets name and version of the list, the result of the one before it, and those capability
 * arguments for which it has a capability. Plugins are Calico4J's, else Debian's.
 */
final class ConfigurationList {
  private static final Path DEBIAN = Path.of("/usr/lib/cni");

  private final TestHost host;
  private final JsonObject list;
  private final JsonObject capabilities;

  /** Reads a list; quotes may be single ones. */
  ConfigurationList(TestHost host, String list, String capabilities) {
    this.host = host;
    this.list = JsonParser.parseString(list.replace('\'', '"')).getAsJsonObject();
    this.capabilities = JsonParser.parseString(capabilities.replace('\'', '"')).getAsJsonObject();
  }

  /** Attaches, and returns the last result. */
  JsonObject add(Namespace sandbox) throws IOException {
    JsonObject previous = null;
    for (JsonObject plugin : plugins()) {
      Command.Outcome outcome = call("ADD", plugin, sandbox, previous);
      if (outcome.exitCode() != 0) {
        throw new IOException(plugin.get("type") + " ADD: " + outcome.output());
      }
      previous = JsonParser.parseString(outcome.standardOutput()).getAsJsonObject();
    }
    if (previous == null) {
      throw new IOException("the list is empty");
    }
    return previous;
  }

  /**
   * Checks with the last result; all but portmap, whose CHECK (Debian's 1.1.1) looks for the rules
   * of IPv4 in IPv6's table and never succeeds.
   */
  void check(Namespace sandbox, JsonObject result) throws IOException {
    for (JsonObject plugin : plugins()) {
      if (!plugin.get("type").getAsString().equals("portmap")) {
        must("CHECK", plugin, sandbox, result);
      }
    }
  }

  /** Detaches with the last result, if the version passes it on. */
  void delete(Namespace sandbox, @Nullable JsonObject result) throws IOException {
    List<JsonObject> reversed = plugins();
    Collections.reverse(reversed);
    for (JsonObject plugin : reversed) {
      must("DEL", plugin, sandbox, version().startsWith("0.3") ? null : result);
    }
  }

  private String version() {
    return list.get("cniVersion").getAsString();
  }

  private List<JsonObject> plugins() {
    List<JsonObject> plugins = new ArrayList<>();
    list.getAsJsonArray("plugins").forEach(plugin -> plugins.add(plugin.getAsJsonObject()));
    return plugins;
  }

  private void must(
      String command, JsonObject plugin, Namespace sandbox, @Nullable JsonObject previous)
      throws IOException {
    Command.Outcome outcome = call(command, plugin, sandbox, previous);
    if (outcome.exitCode() != 0 || !outcome.standardOutput().isEmpty()) {
      throw new IOException(plugin.get("type") + " " + command + ": " + outcome.output());
    }
  }

  private Command.Outcome call(
      String command, JsonObject plugin, Namespace sandbox, @Nullable JsonObject previous)
      throws IOException {
    JsonObject configuration = plugin.deepCopy();
    configuration.add("name", list.get("name"));
    configuration.add("cniVersion", list.get("cniVersion"));
    JsonObject arguments = new JsonObject();
    JsonObject wanted = plugin.getAsJsonObject("capabilities");
    for (Map.Entry<String, JsonElement> given : capabilities.entrySet()) {
      if (wanted != null && wanted.has(given.getKey())) {
        arguments.add(given.getKey(), given.getValue());
      }
    }
    if (arguments.size() > 0) {
      configuration.add("runtimeConfig", arguments);
    }
    if (previous != null) {
      configuration.add("prevResult", previous);
    }
    String type = plugin.get("type").getAsString();
    Path own = Installed.distribution().resolve("bin");
    Path program = Files.exists(own.resolve(type)) ? own.resolve(type) : DEBIAN.resolve(type);
    Map<String, String> environment = new TreeMap<>();
    environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", "pod-" + sandbox.name());
    environment.put("CNI_NETNS", sandbox.path());
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_PATH", own + ":" + DEBIAN);
    return new Command(
            host.enter(List.of(program.toString())), environment, configuration.toString())
        .run();
  }
}
