package io.calico4j.mesos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The external-command protocol of net-modules (Mesos 0.25 to 0.28): one JSON request on standard
 * input, one JSON answer on standard output, failures in its {@code error} member. Commands:
 * allocate, reserve, release, isolate, cleanup. Error texts are those of calico-mesos, for scripts.
 */
public final class NetModulesPlugin implements PluginHandler {
  private static final String NETWORK = "mesos";

  private final EndpointService endpoints;
  private final Ipam ipam;
  private final Kernel kernel;
  private final String node;

  /** Makes the plugin. */
  public NetModulesPlugin(EndpointService endpoints, Ipam ipam, Kernel kernel, String node) {
    this.endpoints = endpoints;
    this.ipam = ipam;
    this.kernel = kernel;
    this.node = node;
  }

  /** A request that cannot be served; the message is the answer's {@code error}. */
  private static final class Refused extends Exception {
    Refused(String message) {
      super(message);
    }
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    try {
      JsonObject answer = serve(request.standardInput());
      answer.add("error", JsonNull.INSTANCE);
      return new PluginResponse(0, answer.toString(), "");
    } catch (Refused
        | IpamException
        | DatastoreException
        | AttachException
        | KernelException
        | IllegalArgumentException e) {
      JsonObject answer = new JsonObject();
      answer.addProperty("error", String.valueOf(e.getMessage()));
      return new PluginResponse(1, answer.toString(), e.getMessage() + "\n");
    }
  }

  private JsonObject serve(String text)
      throws Refused, IpamException, DatastoreException, AttachException, KernelException {
    JsonObject request;
    try {
      JsonElement element = JsonParser.parseString(text);
      if (!element.isJsonObject()) {
        throw new Refused("The request is no JSON object");
      }
      request = element.getAsJsonObject();
    } catch (JsonParseException e) {
      throw new Refused("The request is no valid JSON: " + e.getMessage());
    }
    String command = string(request, "command");
    JsonElement arguments = request.get("args");
    if (arguments == null || !arguments.isJsonObject()) {
      throw new Refused("Missing args");
    }
    JsonObject args = arguments.getAsJsonObject();
    return switch (command) {
      case "allocate" -> allocate(args);
      case "reserve" -> reserve(args);
      case "release" -> release(args);
      case "isolate" -> isolate(args);
      case "cleanup" -> cleanup(args);
      default -> throw new Refused("Unknown command: " + command);
    };
  }

  private JsonObject allocate(JsonObject args) throws Refused, IpamException, DatastoreException {
    require(args, "hostname");
    int ipv4 = integer(args, "num_ipv4");
    int ipv6 = integer(args, "num_ipv6");
    String uid = string(args, "uid");
    if (ipv4 < 0 || ipv6 < 0 || ipv4 + ipv6 > 256) {
      throw new Refused("num_ipv4 and num_ipv6 must be within 0 to 256 together");
    }
    List<IpAddress> addresses = assign(uid, ipv4, ipv6, List.of());
    JsonObject answer = new JsonObject();
    answer.add("ipv4", texts(addresses, true));
    answer.add("ipv6", texts(addresses, false));
    return answer;
  }

  private JsonObject reserve(JsonObject args) throws Refused, IpamException, DatastoreException {
    require(args, "hostname");
    String uid = string(args, "uid");
    List<IpAddress> addresses = addresses(args);
    var unused = assign(uid, 0, 0, addresses);
    return new JsonObject();
  }

  private List<IpAddress> assign(String uid, int ipv4, int ipv6, List<IpAddress> fixed)
      throws IpamException, DatastoreException {
    return ipam.assign(
            new AssignRequest(uid, ipv4, ipv6, List.of(), List.of(), fixed, Map.of("node", node)),
            Ipam.Companion.NONE)
        .addresses();
  }

  private JsonObject release(JsonObject args) throws Refused, DatastoreException {
    boolean byUid = present(args, "uid");
    boolean byIps = present(args, "ips");
    if (byUid && byIps) {
      throw new Refused("Supply either uid or ips, not both.");
    }
    if (byUid) {
      var unused = ipam.release(string(args, "uid"));
    } else if (byIps) {
      for (String text : strings(args, "ips")) {
        boolean unused = ipam.release(address(text));
      }
    } else {
      throw new Refused("Must supply either uid or ips.");
    }
    return new JsonObject();
  }

  private JsonObject isolate(JsonObject args) throws Refused, AttachException, KernelException {
    String container = string(args, "container_id");
    require(args, "hostname");
    int pid = integer(args, "pid");
    List<IpAddress> addresses = addresses(args);
    List<String> groups = strings(args, "netgroups");
    EndpointIdentity identity = identity(container);
    try (NetworkNamespace sandbox =
        kernel.openNamespace(Path.of("/proc", Integer.toString(pid), "ns/net"))) {
      List<String> profiles = groups.isEmpty() ? List.of(NETWORK) : groups;
      var unused =
          endpoints.attach(
              new AttachRequest(
                  identity,
                  labels(args),
                  profiles,
                  false,
                  0,
                  0,
                  List.of(),
                  List.of(),
                  List.of(),
                  addresses,
                  0,
                  false),
              sandbox);
    }
    return new JsonObject();
  }

  private JsonObject cleanup(JsonObject args) throws Refused, AttachException {
    String container = string(args, "container_id");
    require(args, "hostname");
    endpoints.detach(identity(container));
    return new JsonObject();
  }

  private EndpointIdentity identity(String container) {
    return new EndpointIdentity(NETWORK, node, "default", NETWORK, container, "eth0");
  }

  private static Map<String, String> labels(JsonObject args) throws Refused {
    Map<String, String> labels = new TreeMap<>();
    JsonElement element = args.get("labels");
    if (element == null || element.isJsonNull()) {
      return labels;
    }
    if (element.isJsonObject()) {
      for (String key : element.getAsJsonObject().keySet()) {
        putLabel(labels, key, element.getAsJsonObject().get(key));
      }
    } else if (element.isJsonArray()) {
      for (JsonElement label : element.getAsJsonArray()) {
        if (!label.isJsonObject()) {
          throw new Refused("labels must be a list of objects with key and value");
        }
        putLabel(
            labels, string(label.getAsJsonObject(), "key"), label.getAsJsonObject().get("value"));
      }
    } else {
      throw new Refused("labels must be a list or an object");
    }
    return labels;
  }

  private static void putLabel(
      Map<String, String> labels, String key, @org.jspecify.annotations.Nullable JsonElement value)
      throws Refused {
    String name = LabelNames.sanitise(key);
    if (name.isEmpty()) {
      throw new Refused("label key \"" + key + "\" has no letter or digit");
    }
    labels.put(
        name,
        value == null || !value.isJsonPrimitive() ? "" : LabelNames.sanitise(value.getAsString()));
  }

  private static List<IpAddress> addresses(JsonObject args) throws Refused {
    List<IpAddress> addresses = new ArrayList<>();
    for (String text : strings(args, "ipv4_addrs")) {
      IpAddress address = address(text);
      if (!address.isV4()) {
        throw new Refused("IPv6 address must not be placed in IPv4 address field.");
      }
      addresses.add(address);
    }
    for (String text : strings(args, "ipv6_addrs")) {
      IpAddress address = address(text);
      if (address.isV4()) {
        throw new Refused("IPv4 address must not be placed in IPv6 address field.");
      }
      addresses.add(address);
    }
    if (addresses.isEmpty()) {
      throw new Refused("Must provide at least one IPv4 or IPv6 address.");
    }
    return addresses;
  }

  private static IpAddress address(String text) throws Refused {
    return IpAddress.tryParse(text)
        .orElseThrow(() -> new Refused("IP address could not be parsed: " + text));
  }

  private static boolean present(JsonObject args, String name) {
    return args.has(name) && !args.get(name).isJsonNull();
  }

  private static void require(JsonObject args, String name) throws Refused {
    if (!present(args, name)) {
      throw new Refused("Missing " + name);
    }
  }

  private static String string(JsonObject args, String name) throws Refused {
    require(args, name);
    JsonElement element = args.get(name);
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
      throw new Refused(name + " must be a string");
    }
    return element.getAsString();
  }

  private static int integer(JsonObject args, String name) throws Refused {
    require(args, name);
    JsonElement element = args.get(name);
    if (!element.isJsonPrimitive() || !element.getAsString().matches("-?[0-9]{1,9}")) {
      throw new Refused(name + " must be an integer");
    }
    return element.getAsInt();
  }

  private static List<String> strings(JsonObject args, String name) throws Refused {
    List<String> strings = new ArrayList<>();
    if (!present(args, name)) {
      return strings;
    }
    if (!args.get(name).isJsonArray()) {
      throw new Refused("Must provide list of " + name + ".");
    }
    for (JsonElement element : args.get(name).getAsJsonArray()) {
      if (!element.isJsonPrimitive()) {
        throw new Refused("Must provide list of " + name + ".");
      }
      strings.add(element.getAsString());
    }
    return strings;
  }

  private static JsonArray texts(List<IpAddress> addresses, boolean v4) {
    JsonArray texts = new JsonArray();
    addresses.stream().filter(a -> a.isV4() == v4).forEach(a -> texts.add(a.toString()));
    return texts;
  }
}
