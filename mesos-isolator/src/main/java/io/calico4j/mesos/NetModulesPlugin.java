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
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.ipam.AddressInUseException;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.core.resource.ResourceClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * The external-command protocol of net-modules (Mesos 0.25 to 0.28): one JSON request on standard
 * input, one JSON answer on standard output, failures in its {@code error} member. Commands:
 * allocate, reserve, release, isolate, cleanup. Error texts are those of calico-mesos, for scripts.
 */
public final class NetModulesPlugin implements PluginHandler {
  private static final String NETWORK = "mesos";
  private static final String PUBLIC = "public";

  private final EndpointService endpoints;
  private final Ipam ipam;
  private final Kernel kernel;
  private final ResourceClient resources;
  private final String node;

  /** Makes the plugin. */
  public NetModulesPlugin(
      EndpointService endpoints, Ipam ipam, Kernel kernel, ResourceClient resources) {
    this.endpoints = endpoints;
    this.ipam = ipam;
    this.kernel = kernel;
    this.resources = resources;
    node = ipam.node();
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
    } catch (AddressInUseException e) {
      JsonObject answer = new JsonObject();
      answer.addProperty("error", "IP '" + e.address() + "' already in use.");
      return new PluginResponse(1, answer.toString(), e.getMessage() + "\n");
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
    List<IpAddress> fixed = fixed(args);
    List<IpAddress> addresses =
        new ArrayList<>(assign(uid, Math.max(0, ipv4 - fixed.size()), ipv6, fixed));
    addresses.removeAll(fixed);
    addresses.addAll(fixed);
    JsonObject answer = new JsonObject();
    answer.add("ipv4", texts(addresses, true));
    answer.add("ipv6", texts(addresses, false));
    return answer;
  }

  /** Reads the label {@code ipv4_addrs}, a list of addresses as text: {@code ['10.32.9.9']}. */
  private static List<IpAddress> fixed(JsonObject args) throws Refused {
    String text = labels(args, UnaryOperator.identity()).getOrDefault("ipv4_addrs", "");
    List<IpAddress> fixed = new ArrayList<>();
    if (!text.isEmpty()) {
      JsonObject holder = new JsonObject();
      try {
        holder.add("ipv4_addrs", JsonParser.parseString(text.replace('\'', '"')));
      } catch (JsonParseException e) {
        throw new Refused("Must provide list of ipv4_addrs.");
      }
      for (String address : strings(holder, "ipv4_addrs")) {
        fixed.add(address(address));
      }
    }
    return fixed;
  }

  private JsonObject reserve(JsonObject args) throws Refused, IpamException, DatastoreException {
    require(args, "hostname");
    String uid = string(args, "uid");
    var unused = assign(uid, 0, 0, addresses(args));
    return new JsonObject();
  }

  private List<IpAddress> assign(String uid, int ipv4, int ipv6, List<IpAddress> fixed)
      throws IpamException, DatastoreException {
    return ipam.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                uid,
                ipv4,
                ipv6,
                List.of(),
                List.of(),
                fixed,
                Map.of("node", node)),
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

  private JsonObject isolate(JsonObject args)
      throws Refused, AttachException, KernelException, DatastoreException {
    EndpointIdentity identity = identity(container(args));
    String hostname = string(args, "hostname");
    int pid = integer(args, "pid");
    List<IpAddress> addresses = addresses(args);
    List<ProfileDraft> profiles = profiles(hostname, strings(args, "netgroups"));
    try (NetworkNamespace sandbox =
        kernel.openNamespace(Path.of("/proc", Integer.toString(pid), "ns/net"))) {
      var unused =
          endpoints.attach(
              AttachRequest.of(identity)
                  .labels(labels(args, LabelNames::sanitise))
                  .profiles(profiles.stream().map(ProfileDraft::name).toList(), profiles)
                  .held(addresses)
                  .build(),
              sandbox);
    }
    return new JsonObject();
  }

  private JsonObject cleanup(JsonObject args) throws Refused, AttachException {
    endpoints.detach(identity(container(args)));
    return new JsonObject();
  }

  /** Returns the container's id; the agent's name must be there too. */
  private static String container(JsonObject args) throws Refused {
    String container = string(args, "container_id");
    if (string(args, "hostname").isEmpty()) {
      throw new Refused("Missing hostname");
    }
    return container;
  }

  /**
   * Returns calico-mesos' profiles, in its order: the agent's host, {@code public}, and one for
   * each netgroup.
   */
  private List<ProfileDraft> profiles(String hostname, List<String> groups)
      throws DatastoreException, Refused {
    List<ProfileDraft> profiles = new ArrayList<>();
    profiles.add(
        ProfileDraft.ofNet("default_" + LabelNames.ofGroup(hostname), hostAddress() + "/32"));
    if (groups.contains(PUBLIC)) {
      profiles.add(ProfileDraft.open(PUBLIC));
    }
    for (String group : groups) {
      if (!group.equals(PUBLIC)) {
        profiles.add(ProfileDraft.ofMembers(LabelNames.ofGroup(group)));
      }
    }
    return profiles;
  }

  private String hostAddress() throws DatastoreException, Refused {
    NodeSpec.Bgp bgp =
        resources.get(ResourceKind.NODE, "", node).map(n -> n.spec().bgp()).orElse(null);
    String address = bgp == null ? null : bgp.ipv4Address();
    if (address == null) {
      throw new Refused("node " + node + " has no address: is calico-node running there?");
    }
    int slash = address.indexOf('/');
    return slash < 0 ? address : address.substring(0, slash);
  }

  private EndpointIdentity identity(String container) {
    return new EndpointIdentity(NETWORK, node, "default", NETWORK, container, "eth0");
  }

  private static Map<String, String> labels(JsonObject args, UnaryOperator<String> legal)
      throws Refused {
    Map<String, String> labels = new TreeMap<>();
    JsonElement element = args.get("labels");
    if (element == null || element.isJsonNull()) {
      return labels;
    }
    if (element.isJsonObject()) {
      for (String key : element.getAsJsonObject().keySet()) {
        putLabel(labels, legal, key, element.getAsJsonObject().get(key));
      }
    } else if (element.isJsonArray()) {
      for (JsonElement label : element.getAsJsonArray()) {
        if (!label.isJsonObject()) {
          throw new Refused("labels must be a list of objects with key and value");
        }
        putLabel(
            labels,
            legal,
            string(label.getAsJsonObject(), "key"),
            label.getAsJsonObject().get("value"));
      }
    } else {
      throw new Refused("labels must be a list or an object");
    }
    return labels;
  }

  private static void putLabel(
      Map<String, String> labels,
      UnaryOperator<String> legal,
      String key,
      @org.jspecify.annotations.Nullable JsonElement value)
      throws Refused {
    String name = legal.apply(key);
    if (name.isEmpty()) {
      throw new Refused("label key \"" + key + "\" has no letter or digit");
    }
    labels.put(
        name, value == null || !value.isJsonPrimitive() ? "" : legal.apply(value.getAsString()));
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
