package io.calico4j.mesos;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The {@code args} of a net-modules request, read with calico-mesos' checks and error texts.
 *
 * @param json the member {@code args}
 */
record NetModulesArguments(JsonObject json) {
  /** The label that asks {@code allocate} for addresses. */
  static final String FIXED = "ipv4_addrs";

  private static final int MAX_ITEMS = 256;
  private static final Pattern UID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,252}");

  boolean has(String name) {
    return json.has(name) && !json.get(name).isJsonNull();
  }

  void require(String name) throws RefusedRequestException {
    if (!has(name)) {
      throw new RefusedRequestException("Missing " + name);
    }
  }

  String string(String name) throws RefusedRequestException {
    require(name);
    JsonElement element = json.get(name);
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
      throw new RefusedRequestException(name + " must be a string");
    }
    return element.getAsString();
  }

  int integer(String name) throws RefusedRequestException {
    require(name);
    JsonElement element = json.get(name);
    if (!element.isJsonPrimitive() || !element.getAsString().matches("-?[0-9]{1,9}")) {
      throw new RefusedRequestException(name + " must be an integer");
    }
    return element.getAsInt();
  }

  List<String> strings(String name) throws RefusedRequestException {
    return has(name) ? strings(name, json.get(name)) : List.of();
  }

  /** Returns the uid, which is a handle's name in IPAM. */
  HandleId uid() throws RefusedRequestException {
    String uid = string("uid");
    if (!UID.matcher(uid).matches()) {
      throw new RefusedRequestException(
          "uid must be 1 to 253 letters, digits or _.- beginning with a letter or digit");
    }
    return new HandleId(uid);
  }

  private static List<String> strings(String name, JsonElement list)
      throws RefusedRequestException {
    List<String> strings = new ArrayList<>();
    if (!list.isJsonArray()) {
      throw new RefusedRequestException("Must provide list of " + name + ".");
    }
    int size = list.getAsJsonArray().size();
    if (size > MAX_ITEMS) {
      throw new RefusedRequestException(
          name + " has " + size + " items, but at most " + MAX_ITEMS + " can be");
    }
    for (JsonElement element : list.getAsJsonArray()) {
      if (!element.isJsonPrimitive()) {
        throw new RefusedRequestException("Must provide list of " + name + ".");
      }
      strings.add(element.getAsString());
    }
    return strings;
  }

  /** Returns the container's id; the agent's name must be there too. */
  String container() throws RefusedRequestException {
    String container = string("container_id");
    if (string("hostname").isEmpty()) {
      throw new RefusedRequestException("Missing hostname");
    }
    return container;
  }

  /** Returns {@code ipv4_addrs} and {@code ipv6_addrs}, at least one address. */
  List<IpAddress> addresses() throws RefusedRequestException {
    List<IpAddress> addresses = new ArrayList<>();
    for (String text : strings("ipv4_addrs")) {
      IpAddress address = address(text);
      if (!address.isV4()) {
        throw new RefusedRequestException("IPv6 address must not be placed in IPv4 address field.");
      }
      addresses.add(address);
    }
    for (String text : strings("ipv6_addrs")) {
      IpAddress address = address(text);
      if (address.isV4()) {
        throw new RefusedRequestException("IPv4 address must not be placed in IPv6 address field.");
      }
      addresses.add(address);
    }
    if (addresses.isEmpty()) {
      throw new RefusedRequestException("Must provide at least one IPv4 or IPv6 address.");
    }
    return addresses;
  }

  /** Returns the addresses to release, families mixed. */
  List<IpAddress> ips() throws RefusedRequestException {
    List<IpAddress> addresses = new ArrayList<>();
    for (String text : strings("ips")) {
      addresses.add(address(text));
    }
    return addresses;
  }

  /** Reads the label {@code ipv4_addrs}, a list of addresses as text: {@code ['10.32.9.9']}. */
  List<IpAddress> fixed() throws RefusedRequestException {
    String text = "";
    for (Map.Entry<String, String> label : labels()) {
      text = label.getKey().equals(FIXED) ? label.getValue() : text;
    }
    List<IpAddress> fixed = new ArrayList<>();
    if (!text.isEmpty()) {
      try {
        for (String address : strings(FIXED, JsonParser.parseString(text.replace('\'', '"')))) {
          fixed.add(address(address));
        }
      } catch (JsonParseException e) {
        throw new RefusedRequestException("Must provide list of " + FIXED + ".");
      }
    }
    return fixed;
  }

  /** Returns the labels as they came: a list on the wire, an object in the protocol's text. */
  List<Map.Entry<String, String>> labels() throws RefusedRequestException {
    List<Map.Entry<String, String>> labels = new ArrayList<>();
    JsonElement element = json.get("labels");
    if (element == null || element.isJsonNull()) {
      return labels;
    }
    if (element instanceof JsonObject object) {
      for (String key : object.keySet()) {
        labels.add(Map.entry(key, value(object.get(key))));
      }
    } else if (element.isJsonArray()) {
      for (JsonElement label : element.getAsJsonArray()) {
        if (!(label instanceof JsonObject object)) {
          throw new RefusedRequestException("labels must be a list of objects with key and value");
        }
        String key = new NetModulesArguments(object).string("key");
        labels.add(Map.entry(key, value(object.get("value"))));
      }
    } else {
      throw new RefusedRequestException("labels must be a list or an object");
    }
    return labels;
  }

  private static String value(@org.jspecify.annotations.Nullable JsonElement value) {
    return value == null || !value.isJsonPrimitive() ? "" : value.getAsString();
  }

  private static IpAddress address(String text) throws RefusedRequestException {
    return IpAddress.tryParse(text)
        .orElseThrow(() -> new RefusedRequestException("IP address could not be parsed: " + text));
  }
}
