package io.calico4j.testbed;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Map;
import java.util.TreeMap;

/** How an orchestrator calls a CNI plugin: its environment and its network configuration. */
public enum Orchestrator {
  /** A Mesos agent's network/cni isolator: PATH and CNI variables, NetworkInfo in {@code args}. */
  MESOS {
    @Override
    Map<String, String> environment() {
      return Map.of("PATH", PATH);
    }

    @Override
    String containerId(String workload) {
      return "task-" + workload;
    }

    @Override
    String configuration(String network, Map<String, String> labels) {
      JsonArray list = new JsonArray();
      labels.forEach(
          (key, value) -> {
            JsonObject label = new JsonObject();
            label.addProperty("key", key);
            label.addProperty("value", value);
            list.add(label);
          });
      JsonObject info = new JsonObject();
      info.add("labels", object("labels", list));
      info.addProperty("name", network);
      JsonObject configuration = new JsonObject();
      configuration.add("args", object("org.apache.mesos", object("network_info", info)));
      configuration.add("ipam", type("calico-ipam"));
      configuration.addProperty("name", network);
      configuration.addProperty("type", "calico");
      return configuration.toString();
    }
  },

  /** rkt: its whole environment, CNI_VERSION 0.1.0, the configuration file as it stands. */
  RKT {
    @Override
    Map<String, String> environment() {
      Map<String, String> environment = new TreeMap<>(System.getenv());
      environment.put("PATH", PATH);
      environment.put("CNI_VERSION", "0.1.0");
      environment.put("CNI_ARGS", "");
      environment.put("CNI_PATH", RKT_PATH);
      return environment;
    }

    @Override
    String containerId(String workload) {
      return "pod-" + workload;
    }

    @Override
    String configuration(String network, Map<String, String> labels) {
      JsonObject configuration = new JsonObject();
      configuration.addProperty("name", network);
      configuration.addProperty("type", "calico");
      configuration.add("ipam", type("calico-ipam"));
      return configuration.toString();
    }
  },

  /** A runtime of CNI 0.4.0 whose network wants an address of each family. */
  DUAL_STACK {
    @Override
    Map<String, String> environment() {
      return Map.of("PATH", PATH);
    }

    @Override
    String containerId(String workload) {
      return "dual-" + workload;
    }

    @Override
    String configuration(String network, Map<String, String> labels) {
      JsonObject ipam = type("calico-ipam");
      ipam.addProperty("assign_ipv4", "true");
      ipam.addProperty("assign_ipv6", "true");
      JsonObject configuration = new JsonObject();
      configuration.addProperty("cniVersion", "0.4.0");
      configuration.addProperty("name", network);
      configuration.addProperty("type", "calico");
      configuration.add("ipam", ipam);
      return configuration.toString();
    }
  };

  /** Where rkt looks for plugins, by which its requests are told from others. */
  static final String RKT_PATH = "/etc/rkt/net.d:/usr/lib/rkt/plugins/net";

  private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

  /** Returns the variables it sets besides those that every CNI caller sets. */
  abstract Map<String, String> environment();

  /** Returns the container id of a workload. */
  abstract String containerId(String workload);

  /** Returns what it writes to the plugin's standard input. */
  abstract String configuration(String network, Map<String, String> labels);

  private static JsonObject object(String name, com.google.gson.JsonElement member) {
    JsonObject object = new JsonObject();
    object.add(name, member);
    return object;
  }

  private static JsonObject type(String name) {
    JsonObject object = new JsonObject();
    object.addProperty("type", name);
    return object;
  }
}
