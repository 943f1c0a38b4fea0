package io.calico4j.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * Does what Mesos' own plugin {@code mesos-cni-port-mapper} does on a host: calls the plugin that
 * its configuration delegates to, and leads host ports to the address of the delegate's result.
 * Rules are in nftables; the original writes the same ones with iptables.
 */
final class MesosPortMapper {
  static final String TYPE = "mesos-cni-port-mapper";

  private static final String RULES =
      """
      table ip mesos
      delete table ip mesos
      table ip mesos {
        chain prerouting { type nat hook prerouting priority -100; fib daddr type local jump ports; }
        chain output { type nat hook output priority -100; ip daddr != 127.0.0.0/8 fib daddr type local jump ports; }
        chain ports {
          %s
        }
      }
      """;

  private final TestHost host;

  MesosPortMapper(TestHost host) {
    this.host = host;
  }

  Command.Outcome run(Map<String, String> environment, String configuration) throws IOException {
    JsonObject outer = JsonParser.parseString(configuration).getAsJsonObject();
    JsonObject delegate = outer.getAsJsonObject("delegate").deepCopy();
    delegate.add("name", outer.get("name"));
    delegate.add("args", outer.get("args"));
    Map<String, String> passed = new TreeMap<>();
    for (String name :
        new String[] {
          "CNI_COMMAND",
          "CNI_IFNAME",
          "CNI_PATH",
          "CNI_CONTAINERID",
          "CNI_NETNS",
          "CNI_ARGS",
          "PATH"
        }) {
      if (environment.containsKey(name)) {
        passed.put(name, environment.get(name));
      }
    }
    boolean add = "ADD".equals(environment.get("CNI_COMMAND"));
    if (!add) {
      map("");
    }
    Command.Outcome outcome =
        host.plugin(delegate.get("type").getAsString(), passed, delegate.toString());
    if (outcome.exitCode() != 0) {
      return failure("delegate failed: " + outcome.output());
    }
    if (!add) {
      return outcome;
    }
    JsonObject result = JsonParser.parseString(outcome.standardOutput()).getAsJsonObject();
    if (!(result.get("ip4") instanceof JsonObject ip4)) {
      return failure("the delegate returns no ip4: " + outcome.standardOutput());
    }
    String address = ip4.get("ip").getAsString().replaceFirst("/.*", "");
    StringBuilder rules = new StringBuilder();
    JsonObject info =
        outer
            .getAsJsonObject("args")
            .getAsJsonObject("org.apache.mesos")
            .getAsJsonObject("network_info");
    for (JsonElement element : info.getAsJsonArray("port_mappings")) {
      JsonObject mapping = element.getAsJsonObject();
      rules
          .append(mapping.has("protocol") ? mapping.get("protocol").getAsString() : "tcp")
          .append(" dport ")
          .append(mapping.get("host_port"))
          .append(" dnat to ")
          .append(address)
          .append(":")
          .append(mapping.get("container_port"))
          .append("\n");
    }
    map(rules.toString());
    JsonObject answer = new JsonObject();
    for (String name : new String[] {"ip4", "ip6", "dns"}) {
      if (result.has(name)) {
        answer.add(name, result.get(name));
      }
    }
    return new Command.Outcome(0, answer.toString(), outcome.standardError());
  }

  private void map(String rules) throws IOException {
    Command.Outcome loaded =
        new Command(
                host.namespace().enter(java.util.List.of("nft", "-f", "-")),
                new TreeMap<>(System.getenv()),
                RULES.formatted(rules))
            .run();
    if (loaded.exitCode() != 0) {
      throw new IOException(loaded.output());
    }
  }

  private static Command.Outcome failure(String message) {
    JsonObject error = new JsonObject();
    error.addProperty("cniVersion", "0.3.0");
    error.addProperty("code", 102);
    error.addProperty("msg", message);
    return new Command.Outcome(1, error.toString(), "");
  }
}
