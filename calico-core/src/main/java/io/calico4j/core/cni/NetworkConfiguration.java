package io.calico4j.core.cni;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A network configuration with upstream Calico's field names ({@code cni-plugin/pkg/types}).
 *
 * @param document the whole configuration
 * @param givenVersion {@code cniVersion} as given; empty when absent
 * @param version what it means
 * @param name the network's name
 */
public record NetworkConfiguration(
    JsonObject document, String givenVersion, CniVersion version, String name) {

  /** Parses standard input; a {@link CniError} names the field, the value and the remedy. */
  public static NetworkConfiguration parse(String text) throws CniError {
    JsonObject document = decode(text);
    String given = string(document, "cniVersion");
    CniVersion version = CniVersion.parse(given);
    String name = string(document, "name");
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "name \""
              + abbreviate(name)
              + "\" is no network name: 1 to 253 letters, digits or _.- after a letter or digit",
          "");
    }
    return new NetworkConfiguration(document, given, version, name);
  }

  /** Decodes any JSON object; code 6 when it is none. */
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
          "standard input is no valid JSON: " + abbreviate(text),
          String.valueOf(e.getMessage()));
    }
    throw new CniError(
        CniError.CANNOT_DECODE, "standard input is no JSON object but " + abbreviate(text), "");
  }

  private static String abbreviate(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
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
  public static List<String> strings(JsonObject parent, String name) throws CniError {
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

  /** Makes the error for a member of the wrong form. */
  public static CniError invalid(String name, JsonElement value, String wanted) {
    return new CniError(
        CniError.INVALID_CONFIGURATION,
        name + ": " + abbreviate(value.toString()) + " is not " + wanted,
        "");
  }

  /** Returns {@code ipam}, empty when absent. */
  public JsonObject ipam() throws CniError {
    return object(document, "ipam").orElseGet(JsonObject::new);
  }

  /** Returns {@code ipam.type}, {@code calico-ipam} when absent. */
  public String ipamType() throws CniError {
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

  /** Returns {@code ipam.ipv4_pools}: names or CIDRs. */
  public List<String> ipv4Pools() throws CniError {
    return strings(ipam(), "ipv4_pools");
  }

  /** Returns {@code ipam.ipv6_pools}: names or CIDRs. */
  public List<String> ipv6Pools() throws CniError {
    return strings(ipam(), "ipv6_pools");
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
    Optional<JsonObject> settings = object(document, "container_settings");
    JsonElement element = settings.map(s -> s.get("allow_ip_forwarding")).orElse(null);
    return element != null && element.isJsonPrimitive() && element.getAsBoolean();
  }

  /** Tells whether the network's default profile is wanted: {@code policy.type} is empty. */
  public boolean wantsNetworkProfile() throws CniError {
    Optional<JsonObject> policy = object(document, "policy");
    return policy.isEmpty() || string(policy.get(), "type").isEmpty();
  }
}
