package io.calico4j.felix.explain;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The semantics of policy once more, as it is written in upstream's documents, over the stored JSON
 * itself: slow, plain, and without a line of what it is compared with but selectors and addresses.
 */
final class NaivePolicy {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  private final Map<String, JsonObject> stored = new TreeMap<>();

  /** Where policy is asked. */
  enum Place {
    /** What an endpoint itself receives or sends. */
    NORMAL,
    /** What a host forwards. */
    FORWARD,
    /** Before connection tracking. */
    UNTRACKED,
    /** Before destinations are translated. */
    PRE_DNAT
  }

  NaivePolicy(Map<String, String> resources) {
    resources.forEach(
        (key, json) -> stored.put(key, JsonParser.parseString(json).getAsJsonObject()));
  }

  /** Tells whether a packet passes an endpoint in one direction. */
  boolean allows(String endpoint, boolean ingress, Packet packet) {
    Boolean decided = decided(endpoint, ingress, packet, Place.NORMAL);
    return decided == null ? profilesAllow(endpoint, ingress, packet) : decided;
  }

  /** Returns what policy decides at a place; null for nothing. */
  @Nullable Boolean decided(String endpoint, boolean ingress, Packet packet, Place place) {
    JsonObject resource = stored.get(endpoint);
    Map<String, String> labels = labels(endpoint, resource);
    List<String> applying =
        stored.keySet().stream()
            .filter(key -> isPolicy(key) && applies(key, labels, ingress, place))
            .sorted(
                Comparator.comparing((String key) -> tierName(key), this::compareTiers)
                    .thenComparingDouble(key -> order(spec(key)))
                    .thenComparing(
                        key ->
                            stored.get(key).getAsJsonObject("metadata").get("name").getAsString())
                    .thenComparing(key -> key.contains("/networkpolicies/") ? "default" : ""))
            .toList();
    for (int i = 0; i < applying.size(); ) {
      String tier = tierName(applying.get(i));
      String verdict = null;
      int next = i;
      for (; next < applying.size() && tierName(applying.get(next)).equals(tier); next++) {
        if (verdict == null) {
          verdict = verdict(applying.get(next), ingress, packet);
        }
      }
      i = next;
      if ("Allow".equals(verdict) || "Deny".equals(verdict)) {
        return verdict.equals("Allow");
      }
      boolean denies = place == Place.NORMAL || place == Place.FORWARD;
      if (verdict == null && denies && !passesAtEnd(tier)) {
        return false;
      }
    }
    return null;
  }

  private boolean profilesAllow(String endpoint, boolean ingress, Packet packet) {
    for (String profile : texts(spec(endpoint), "profiles")) {
      String key = ROOT + "profiles/" + profile;
      if (!stored.containsKey(key)) {
        return false;
      }
      String verdict = verdict(key, ingress, packet);
      if ("Allow".equals(verdict) || "Deny".equals(verdict)) {
        return verdict.equals("Allow");
      }
    }
    return false;
  }

  private static boolean isPolicy(String key) {
    return key.contains("/globalnetworkpolicies/") || key.contains("/networkpolicies/");
  }

  private JsonObject spec(String key) {
    return stored.get(key).getAsJsonObject("spec");
  }

  private boolean applies(String key, Map<String, String> labels, boolean ingress, Place place) {
    JsonObject spec = spec(key);
    if (flag(spec, "doNotTrack") != (place == Place.UNTRACKED)
        || flag(spec, "preDNAT") != (place == Place.PRE_DNAT)
        || place == Place.FORWARD && !flag(spec, "applyOnForward")) {
      return false;
    }
    boolean hasIngress = spec.has("ingress") && !spec.getAsJsonArray("ingress").isEmpty();
    boolean hasEgress = spec.has("egress") && !spec.getAsJsonArray("egress").isEmpty();
    boolean directed = ingress ? hasIngress || !hasEgress : hasEgress;
    return directed
        && Selector.parse(text(spec, "selector")).matches(labels)
        && (!key.contains("/networkpolicies/")
            || "default".equals(labels.get("projectcalico.org/namespace")));
  }

  private static boolean flag(JsonObject object, String field) {
    return object.has(field) && object.get(field).getAsBoolean();
  }

  static String text(JsonObject object, String field) {
    return object.has(field) ? object.get(field).getAsString() : "";
  }

  static List<String> texts(JsonObject object, String field) {
    JsonArray array = object.has(field) ? object.getAsJsonArray(field) : new JsonArray();
    return StreamSupport.stream(array.spliterator(), false).map(JsonElement::getAsString).toList();
  }

  private static double order(JsonObject spec) {
    return spec.has("order") ? spec.get("order").getAsDouble() : Double.POSITIVE_INFINITY;
  }

  private String tierName(String policy) {
    String tier = text(spec(policy), "tier");
    return tier.isEmpty() ? "default" : tier;
  }

  private int compareTiers(String one, String other) {
    return Comparator.comparing((String tier) -> !tier.equals("default") && !hasTier(tier))
        .thenComparingDouble(
            tier -> hasTier(tier) ? order(spec(tierKey(tier))) : tier.equals("default") ? 1e6 : 0)
        .thenComparing(Comparator.naturalOrder())
        .compare(one, other);
  }

  private static String tierKey(String tier) {
    return ROOT + "tiers/" + tier;
  }

  private boolean hasTier(String tier) {
    return stored.containsKey(tierKey(tier));
  }

  private boolean passesAtEnd(String tier) {
    return hasTier(tier) && text(spec(tierKey(tier)), "defaultAction").equals("Pass");
  }

  /** Returns what an item's selectors are compared with. */
  private Map<String, String> labels(String key, JsonObject resource) {
    Map<String, String> labels = new TreeMap<>();
    List<String> parents =
        key.contains("/networksets/")
            ? List.of("kns.default")
            : texts(resource.getAsJsonObject("spec"), "profiles");
    for (String profile : parents) {
      JsonObject parent = stored.get(ROOT + "profiles/" + profile);
      if (parent != null && parent.getAsJsonObject("spec").has("labelsToApply")) {
        parent
            .getAsJsonObject("spec")
            .getAsJsonObject("labelsToApply")
            .asMap()
            .forEach((label, value) -> labels.putIfAbsent(label, value.getAsString()));
      }
    }
    resource
        .getAsJsonObject("metadata")
        .getAsJsonObject("labels")
        .asMap()
        .forEach((label, value) -> labels.put(label, value.getAsString()));
    if (key.contains("/networksets/")) {
      labels.put("projectcalico.org/namespace", "default");
    }
    return labels;
  }

  private @Nullable String verdict(String owner, boolean ingress, Packet packet) {
    JsonObject spec = spec(owner);
    String field = ingress ? "ingress" : "egress";
    if (!spec.has(field)) {
      return null;
    }
    for (JsonElement element : spec.getAsJsonArray(field)) {
      JsonObject rule = element.getAsJsonObject();
      String action = text(rule, "action");
      if (!action.equals("Log") && matches(owner, rule, packet)) {
        return action;
      }
    }
    return null;
  }

  private boolean matches(String owner, JsonObject rule, Packet packet) {
    boolean v4 = packet.family() == IpFamily.IPV4;
    String protocol = packet.protocol().toString();
    if (rule.has("ipVersion") && rule.get("ipVersion").getAsInt() != (v4 ? 4 : 6)
        || rule.has("protocol") && !text(rule, "protocol").equals(protocol)
        || rule.has("notProtocol") && text(rule, "notProtocol").equals(protocol)
        || rule.has("icmp") && rule.getAsJsonObject("icmp").get("type").getAsInt() != 8) {
      return false;
    }
    return side(owner, rule, "source", packet.source(), packet.sourcePort(), protocol)
        && side(
            owner, rule, "destination", packet.destination(), packet.destinationPort(), protocol);
  }

  private boolean side(
      String owner, JsonObject rule, String name, IpAddress address, int port, String protocol) {
    if (!rule.has(name)) {
      return true;
    }
    JsonObject peer = rule.getAsJsonObject(name);
    Optional<Selector> selector = selector(owner, peer);
    List<Cidr> nets = texts(peer, "nets").stream().map(Cidr::parse).toList();
    List<Cidr> notNets = texts(peer, "notNets").stream().map(Cidr::parse).toList();
    if (!nets.isEmpty() && nets.stream().noneMatch(net -> net.contains(address))
        || notNets.stream().anyMatch(net -> net.contains(address))
        || !notNets.isEmpty() && notNets.stream().noneMatch(net -> net.family() == address.family())
        || selector.isPresent() && !isSelected(selector.get(), address)
        || peer.has("notSelector")
            && isSelected(Selector.parse(text(peer, "notSelector")), address)) {
      return false;
    }
    List<String> ports = texts(peer, "ports");
    List<String> notPorts = texts(peer, "notPorts");
    Selector any = selector.orElse(Selector.all());
    return (ports.isEmpty()
            || ports.stream().anyMatch(p -> isPort(p, any, address, port, protocol)))
        && notPorts.stream().noneMatch(p -> isPort(p, any, address, port, protocol));
  }

  /** A namespaced policy means peers of its namespace, unless it names namespaces. */
  private static Optional<Selector> selector(String owner, JsonObject peer) {
    String own = text(peer, "selector");
    String namespaces = text(peer, "namespaceSelector");
    Selector selector = Selector.parse(own);
    if (namespaces.equals("all()")) {
      return Optional.of(Selector.parse("has(projectcalico.org/namespace)").and(selector));
    }
    if (namespaces.equals("global()")) {
      return Optional.of(Selector.parse("!has(projectcalico.org/namespace)").and(selector));
    }
    if (!namespaces.isEmpty()) {
      return Optional.of(Selector.parse("pcns." + namespaces).and(selector));
    }
    if (owner.contains("/networkpolicies/") && (peer.has("selector") || peer.has("notSelector"))) {
      return Optional.of(Selector.parse("projectcalico.org/namespace == 'default'").and(selector));
    }
    return own.isEmpty() ? Optional.empty() : Optional.of(selector);
  }

  private boolean isSelected(Selector selector, IpAddress address) {
    return stored.entrySet().stream()
        .anyMatch(
            item ->
                networks(item.getKey(), item.getValue()).stream()
                        .anyMatch(network -> network.contains(address))
                    && selector.matches(labels(item.getKey(), item.getValue())));
  }

  private static List<Cidr> networks(String key, JsonObject resource) {
    JsonObject spec = resource.getAsJsonObject("spec");
    List<String> texts =
        key.contains("/workloadendpoints/")
            ? texts(spec, "ipNetworks")
            : key.contains("/hostendpoints/")
                ? texts(spec, "expectedIPs")
                : key.contains("networksets/") ? texts(spec, "nets") : List.of();
    List<Cidr> networks = new ArrayList<>();
    texts.forEach(text -> networks.add(Cidr.parse(text)));
    return networks;
  }

  private boolean isPort(
      String text, Selector selector, IpAddress address, int port, String protocol) {
    if (text.matches("[0-9]+")) {
      return Integer.parseInt(text) == port;
    }
    if (text.matches("[0-9]+:[0-9]+")) {
      int colon = text.indexOf(':');
      return Integer.parseInt(text.substring(0, colon)) <= port
          && port <= Integer.parseInt(text.substring(colon + 1));
    }
    for (Map.Entry<String, JsonObject> item : stored.entrySet()) {
      JsonObject spec = item.getValue().getAsJsonObject("spec");
      if ((item.getKey().contains("/workloadendpoints/")
              || item.getKey().contains("/hostendpoints/"))
          && spec.has("ports")
          && networks(item.getKey(), item.getValue()).contains(address.toCidr())
          && selector.matches(labels(item.getKey(), item.getValue()))) {
        for (JsonElement element : spec.getAsJsonArray("ports")) {
          JsonObject named = element.getAsJsonObject();
          if (text(named, "name").equals(text)
              && text(named, "protocol").equals(protocol)
              && named.get("port").getAsInt() == port) {
            return true;
          }
        }
      }
    }
    return false;
  }
}
