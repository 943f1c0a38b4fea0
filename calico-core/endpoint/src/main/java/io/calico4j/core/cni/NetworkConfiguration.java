package io.calico4j.core.cni;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A network configuration with upstream Calico's field names ({@code cni-plugin/pkg/types}).
 *
 * @param document the whole configuration; not to be changed
 * @param givenVersion {@code cniVersion} as given; empty when absent
 * @param version what it means
 * @param name the network's name
 */
public record NetworkConfiguration(
    JsonObject document, String givenVersion, CniVersion version, String name) {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

  private static final String DNS = "dns";

  /** The members of the capability {@code dns}, and those of a result that they become. */
  private static final Map<String, String> DNS_NAMES =
      Map.of("servers", "nameservers", "searches", "search", "options", "options");

  /** Members whose values are not printed. */
  private static final Pattern SECRET = Pattern.compile("password|token|_key$|endpoints|authority");

  /** Parses standard input; a {@link CniError} names the field, the value and the remedy. */
  public static NetworkConfiguration parse(String text) throws CniError {
    JsonObject document = decode(text);
    String given = string(document, "cniVersion");
    CniVersion version = CniVersion.parse(given);
    String name = string(document, "name");
    if (name.length() > 253 || !NAME.matcher(name).matches()) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "name \""
              + abbreviate(name)
              + "\" is no network name: 1 to 253 letters, digits or _.- after a letter or digit",
          "");
    }
    return new NetworkConfiguration(document, given, version, name);
  }

  /** Decodes any JSON object; code 6 when it is none, without the text, which may hold secrets. */
  public static JsonObject decode(String text) throws CniError {
    if (text.isBlank()) {
      throw new CniError(
          CniError.CANNOT_DECODE, "standard input is empty: send the network configuration", "");
    }
    try {
      JsonElement element = JsonParser.parseString(text);
      if (element.isJsonObject()) {
        return element.getAsJsonObject();
      }
    } catch (JsonParseException | NumberFormatException e) {
      throw new CniError(
          CniError.CANNOT_DECODE,
          "standard input is no valid JSON",
          e instanceof JsonParseException ? String.valueOf(e.getMessage()) : "");
    }
    throw new CniError(
        CniError.CANNOT_DECODE, "standard input is no JSON object but " + kind(text), "");
  }

  /** Says what a JSON text is without printing it: there may be a password in it. */
  private static String kind(String text) {
    return switch (text.stripLeading().charAt(0)) {
      case '[' -> "a list";
      case '"' -> "a string";
      default -> "a single value";
    };
  }

  private static String abbreviate(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  /**
   * Returns the version in which a caller is answered, from whatever it sent; empty when there is
   * none to be read.
   */
  public static Optional<String> answerVersion(String standardInput) {
    try {
      String given = string(decode(standardInput), "cniVersion");
      return given.isEmpty() ? Optional.empty() : Optional.of(given);
    } catch (CniError e) {
      return Optional.empty();
    }
  }

  /** Returns a member that is a string; empty when absent or null. */
  public static String string(JsonObject object, String name) throws CniError {
    JsonElement element = object.get(name);
    if (element == null || element.isJsonNull()) {
      return "";
    }
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
      throw invalid(name, element, "a string");
    }
    return element.getAsString();
  }

  /** Returns a member that is an object; empty when absent or null. */
  public static Optional<JsonObject> object(JsonObject parent, String name) throws CniError {
    JsonElement element = parent.get(name);
    if (element == null || element.isJsonNull()) {
      return Optional.empty();
    }
    if (!element.isJsonObject()) {
      throw invalid(name, element, "an object");
    }
    return Optional.of(element.getAsJsonObject());
  }

  /** Returns a member that is a list of strings; empty when absent or null. */
  static List<String> strings(JsonObject parent, String name) throws CniError {
    JsonElement element = parent.get(name);
    List<String> strings = new ArrayList<>();
    if (element == null || element.isJsonNull()) {
      return strings;
    }
    if (!element.isJsonArray()) {
      throw invalid(name, element, "a list of strings");
    }
    for (JsonElement item : element.getAsJsonArray()) {
      if (!item.isJsonPrimitive()) {
        throw invalid(name, item, "a string");
      }
      strings.add(item.getAsString());
    }
    return strings;
  }

  /** Makes the error for a member of the wrong form; the value of a secret is left out. */
  static CniError invalid(String name, JsonElement value, String wanted) {
    String shown = SECRET.matcher(name).find() ? "its value" : abbreviate(value.toString());
    return new CniError(
        CniError.INVALID_CONFIGURATION, name + ": " + shown + " is not " + wanted, "");
  }

  /** Returns {@code ipam}, empty when absent. */
  JsonObject ipam() throws CniError {
    return object(document, "ipam").orElseGet(JsonObject::new);
  }

  /** Returns {@code ipam.type}, {@code calico-ipam} when absent. */
  String ipamType() throws CniError {
    String type = string(ipam(), "type");
    return type.isEmpty() ? "calico-ipam" : type;
  }

  /** Tells whether IPv4 addresses are wanted: {@code ipam.assign_ipv4}, "true" unless said. */
  public boolean assignIpv4() throws CniError {
    return flag("assign_ipv4", true);
  }

  /** Tells whether IPv6 addresses are wanted: {@code ipam.assign_ipv6}, "false" unless said. */
  public boolean assignIpv6() throws CniError {
    return flag("assign_ipv6", false);
  }

  private boolean flag(String name, boolean absent) throws CniError {
    JsonElement element = ipam().get(name);
    if (element == null || element.isJsonNull()) {
      return absent;
    }
    String text = element.isJsonPrimitive() ? element.getAsString() : "";
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    throw invalid("ipam." + name, element, "\"true\" or \"false\"");
  }

  /** Returns {@code ipam.ipv4_pools}, names or CIDRs, and {@code ipam.subnet} if it is IPv4. */
  public List<String> ipv4Pools() throws CniError {
    return pools("ipv4_pools", true);
  }

  /** Returns {@code ipam.ipv6_pools}, names or CIDRs, and {@code ipam.subnet} if it is IPv6. */
  public List<String> ipv6Pools() throws CniError {
    return pools("ipv6_pools", false);
  }

  private List<String> pools(String name, boolean v4) throws CniError {
    List<String> pools = strings(ipam(), name);
    String subnet = string(ipam(), "subnet");
    if (!subnet.isEmpty()) {
      Cidr cidr =
          Cidr.tryParse(subnet)
              .orElseThrow(
                  () ->
                      invalid(
                          "ipam.subnet",
                          new JsonPrimitive(subnet),
                          "the CIDR of an IPPool such as 10.65.0.0/16"));
      if (cidr.address().isV4() == v4 && !pools.contains(subnet)) {
        pools.add(cidr.toString());
      }
    }
    return pools;
  }

  /** Returns {@code mtu} in bytes; 0 when absent. */
  public int mtu() throws CniError {
    JsonElement element = document.get("mtu");
    if (element == null || element.isJsonNull()) {
      return 0;
    }
    String text = element.isJsonPrimitive() ? element.getAsString() : "";
    if (text.matches("[0-9]{1,5}")) {
      int mtu = Integer.parseInt(text);
      if (mtu == 0 || mtu >= 68 && mtu <= 65535) {
        return mtu;
      }
    }
    throw invalid("mtu", element, "a number of bytes from 68 to 65535, or 0 for the default");
  }

  /** Returns {@code container_settings.allow_ip_forwarding}; false when absent. */
  public boolean allowIpForwarding() throws CniError {
    return isSet("container_settings", "allow_ip_forwarding");
  }

  /** Tells whether {@code feature_control} allows something; false when absent. */
  boolean allows(String feature) throws CniError {
    return isSet("feature_control", feature);
  }

  private boolean isSet(String group, String name) throws CniError {
    Optional<JsonObject> settings = object(document, group);
    return settings.isPresent() && bool(settings.get(), name);
  }

  /** Returns a member that is true or false; false when absent or null. */
  public static boolean bool(JsonObject object, String name) throws CniError {
    JsonElement element = object.get(name);
    if (element == null || element.isJsonNull()) {
      return false;
    }
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isBoolean()) {
      throw invalid(name, element, "true or false");
    }
    return element.getAsBoolean();
  }

  /**
   * Returns {@code runtimeConfig}, which a runtime fills for the capabilities; may be empty. Its
   * members, and those of {@code dns}, are found in any letter case: runtimes written in Go write
   * the names of Go's fields, and plugins written in Go read either.
   */
  JsonObject runtimeConfig() throws CniError {
    JsonObject given = object(document, "runtimeConfig").orElseGet(JsonObject::new);
    JsonObject config = withNames(given, Set.of("ips", "mac", DNS));
    Optional<JsonObject> dns = object(config, DNS);
    if (dns.isPresent()) {
      config.add(DNS, withNames(dns.get(), DNS_NAMES.keySet()));
    }
    return config;
  }

  /** Returns a copy in which members that differ from a name in letter case only have the name. */
  private static JsonObject withNames(JsonObject object, Set<String> names) {
    JsonObject copy = object.deepCopy();
    for (String member : object.keySet()) {
      for (String name : names) {
        if (!object.has(name) && member.equalsIgnoreCase(name)) {
          copy.add(name, copy.remove(member));
        }
      }
    }
    return copy;
  }

  /**
   * Returns the name servers for the result: {@code dns}, with what the capability {@code dns}
   * brings instead, as CNI's CONVENTIONS.md names it; may be empty.
   */
  JsonObject dns() throws CniError {
    JsonObject dns = object(document, DNS).orElseGet(JsonObject::new).deepCopy();
    JsonObject given = object(runtimeConfig(), DNS).orElseGet(JsonObject::new);
    for (Map.Entry<String, String> name : DNS_NAMES.entrySet()) {
      if (!strings(given, name.getKey()).isEmpty()) {
        dns.add(name.getValue(), given.get(name.getKey()));
      }
    }
    return dns;
  }

  /** Returns one group of {@code args}; may be empty. */
  JsonObject args(String group) throws CniError {
    Optional<JsonObject> arguments = object(document, "args");
    return arguments.isEmpty()
        ? new JsonObject()
        : object(arguments.get(), group).orElseGet(JsonObject::new);
  }

  /** Returns {@code prevResult}; empty for the first plugin, and in versions without chaining. */
  Optional<JsonObject> previousResult() throws CniError {
    return version.hasFamilyMembers() ? Optional.empty() : object(document, "prevResult");
  }

  /**
   * Returns the destinations of {@code ipam.routes}, with the default routes when {@code
   * include_default_routes} is set; empty for the default routes alone. Gateways are not read: all
   * of a container's traffic goes to its host.
   */
  List<Cidr> routes() throws CniError {
    JsonElement routes = ipam().get("routes");
    return routes == null || routes.isJsonNull() ? List.of() : routes("ipam.routes", routes);
  }

  /** Reads the destinations of a list of routes as {@link #routes()} does. */
  List<Cidr> routes(String name, JsonElement routes) throws CniError {
    if (!routes.isJsonArray()) {
      throw invalid(name, routes, "a list of routes");
    }
    List<Cidr> destinations = new ArrayList<>();
    for (JsonElement route : routes.getAsJsonArray()) {
      Optional<Cidr> destination =
          route.isJsonObject()
              ? Cidr.tryParse(string(route.getAsJsonObject(), "dst"))
              : Optional.empty();
      if (destination.isEmpty()) {
        throw invalid(name, route, "a route such as {\"dst\":\"10.0.0.0/8\"}");
      }
      destinations.add(destination.get());
    }
    if (!destinations.isEmpty() && bool(document, "include_default_routes")) {
      destinations.add(Cidr.parse("0.0.0.0/0"));
      destinations.add(Cidr.parse("::/0"));
    }
    return destinations;
  }

  /** Returns the name of the network's own profile, which is the network's. */
  public ProfileName profile() throws CniError {
    try {
      return new ProfileName(name);
    } catch (IllegalArgumentException e) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "name \"" + abbreviate(name) + "\" cannot be its profile's name",
          String.valueOf(e.getMessage()));
    }
  }

  /** Tells whether the network's default profile is wanted: {@code policy.type} is empty. */
  public boolean wantsNetworkProfile() throws CniError {
    Optional<JsonObject> policy = object(document, "policy");
    return policy.isEmpty() || string(policy.get(), "type").isEmpty();
  }
}
