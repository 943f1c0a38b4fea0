package io.calico4j.felix.explain;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.explain.NaivePolicy.Place;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Host endpoints once more, as upstream's documents describe them, over the stored JSON: which of
 * them an interface has, and what a packet meets on its way. An end is the key of a workload, the
 * name of an interface that leads outside, or empty for the host itself.
 */
final class NaiveNode {
  private final TreeMap<String, JsonObject> hosts = new TreeMap<>();
  private final Map<String, String> interfaces;
  private final NaivePolicy policy;
  private JsonObject parameters = new JsonObject();

  NaiveNode(Map<String, String> stored, Map<String, String> interfaces) {
    this.interfaces = interfaces;
    policy = new NaivePolicy(stored);
    stored.forEach(
        (key, json) -> {
          JsonObject spec = JsonParser.parseString(json).getAsJsonObject().getAsJsonObject("spec");
          if (key.contains("/hostendpoints/") && NaivePolicy.text(spec, "node").equals("here")) {
            hosts.put(key, spec);
          } else if (key.endsWith("/felixconfigurations/default")) {
            parameters = spec;
          }
        });
  }

  private static boolean isHost(String end) {
    return end.isEmpty();
  }

  private static boolean isWorkload(String end) {
    return end.startsWith("/");
  }

  private @Nullable String hostEndpoint(String end) {
    if (isHost(end)) {
      return null;
    }
    String any = null;
    for (Map.Entry<String, JsonObject> host : hosts.entrySet()) {
      String name = NaivePolicy.text(host.getValue(), "interfaceName");
      if (name.equals("*")) {
        any = any == null ? host.getKey() : any;
      } else if (!isWorkload(end)
          && (name.isEmpty()
              ? NaivePolicy.texts(host.getValue(), "expectedIPs").contains(interfaces.get(end))
              : name.equals(end))) {
        return host.getKey();
      }
    }
    return any;
  }

  /** Tells whether a packet arrives; its answer is not followed. */
  boolean passes(String from, String to, Packet packet) {
    String in = hostEndpoint(from);
    String out = hostEndpoint(to);
    boolean early = false;
    if (!isHost(from) && !isWorkload(from) || isHost(from) && !isWorkload(to)) {
      boolean ingress = !isHost(from);
      String asked = ingress ? in : out;
      if (asked != null && !isSafeUntracked(ingress, packet)) {
        Boolean decided = policy.decided(asked, ingress, packet, Place.UNTRACKED);
        if (Boolean.FALSE.equals(decided)) {
          return false;
        }
        early = decided != null;
      }
    }
    if (in != null && !early && !isSafe(true, packet)) {
      Boolean decided = policy.decided(in, true, packet, Place.PRE_DNAT);
      if (Boolean.FALSE.equals(decided)) {
        return false;
      }
      early = decided != null;
    }
    if (isHost(to)) {
      return receives(from, in, early, packet);
    }
    if (isHost(from)) {
      return isWorkload(to)
          || early
          || out == null
          || isSafe(false, packet)
          || policy.allows(out, false, packet);
    }
    return (early || forwards(in, true, packet))
        && (!isWorkload(from) || policy.allows(from, false, packet))
        && (!isWorkload(to) || policy.allows(to, true, packet))
        && forwards(out, false, packet);
  }

  private boolean receives(String from, @Nullable String in, boolean early, Packet packet) {
    if (isWorkload(from)) {
      String action = NaivePolicy.text(parameters, "defaultEndpointToHostAction");
      if (action.isEmpty() || action.equals("Drop") || !policy.allows(from, false, packet)) {
        return false;
      }
      if (action.equals("Accept")) {
        return true;
      }
    }
    return early || in == null || isSafe(true, packet) || policy.allows(in, true, packet);
  }

  private boolean forwards(@Nullable String host, boolean ingress, Packet packet) {
    return host == null
        || !Boolean.FALSE.equals(policy.decided(host, ingress, packet, Place.FORWARD));
  }

  private boolean isSafe(boolean ingress, Packet packet) {
    return isSafe(
        ingress,
        ingress ? packet.source() : packet.destination(),
        packet.destinationPort(),
        packet);
  }

  /** Before connection tracking the answer to a safe port is told by where it comes from. */
  private boolean isSafeUntracked(boolean ingress, Packet packet) {
    return isSafe(ingress, packet)
        || isSafe(
            !ingress,
            ingress ? packet.source() : packet.destination(),
            packet.sourcePort(),
            packet);
  }

  private boolean isSafe(boolean inbound, IpAddress other, int port, Packet packet) {
    String field = inbound ? "failsafeInboundHostPorts" : "failsafeOutboundHostPorts";
    String protocol = packet.protocol().toString().toUpperCase(Locale.ROOT);
    if (!parameters.has(field)) {
      // Of the ports that are safe unless said otherwise, packets have this one.
      return inbound && port == 22 && protocol.equals("TCP");
    }
    JsonArray ports = parameters.getAsJsonArray(field);
    for (JsonElement element : ports) {
      JsonObject safe = element.getAsJsonObject();
      String net = NaivePolicy.text(safe, "net");
      if (safe.get("port").getAsInt() == port
          && NaivePolicy.text(safe, "protocol").equals(protocol)
          && (net.isEmpty() || Cidr.parse(net).contains(other))) {
        return true;
      }
    }
    return false;
  }
}
