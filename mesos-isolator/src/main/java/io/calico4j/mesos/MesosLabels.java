package io.calico4j.mesos;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What the labels of a NetworkInfo say. Those below {@code projectcalico.org/} and {@code
 * cni.projectcalico.org/} are requests, with the names of upstream's annotations; all others become
 * the endpoint's labels.
 *
 * @param labels the endpoint's labels
 * @param namespace {@code projectcalico.org/namespace}, the endpoint's namespace; else default
 * @param profiles {@code projectcalico.org/profiles}: profiles instead of the network's own
 * @param fixed {@code cni.projectcalico.org/ipAddrs}: addresses to assign exactly
 * @param floating {@code cni.projectcalico.org/floatingIPs}: addresses translated 1:1
 * @param allowedSources {@code cni.projectcalico.org/allowedSourcePrefixes}: networks to send from
 * @param ipv4Pools {@code cni.projectcalico.org/ipv4pools}: pools to choose from, instead of the
 *     configuration's
 * @param ipv6Pools {@code cni.projectcalico.org/ipv6pools}
 */
record MesosLabels(
    Map<String, String> labels,
    String namespace,
    List<ProfileName> profiles,
    List<IpAddress> fixed,
    List<IpAddress> floating,
    List<Cidr> allowedSources,
    List<String> ipv4Pools,
    List<String> ipv6Pools) {
  static final String NAMESPACE = "projectcalico.org/namespace";
  static final String PROFILES = "projectcalico.org/profiles";
  static final String DEFAULT_NAMESPACE = "default";

  private static final String CNI = "cni.projectcalico.org/";
  static final String ADDRESSES = CNI + "ipAddrs";
  static final String FLOATING = CNI + "floatingIPs";
  static final String SOURCES = CNI + "allowedSourcePrefixes";
  static final String IPV4_POOLS = CNI + "ipv4pools";
  static final String IPV6_POOLS = CNI + "ipv6pools";
  private static final List<String> KNOWN =
      List.of(NAMESPACE, PROFILES, ADDRESSES, FLOATING, SOURCES, IPV4_POOLS, IPV6_POOLS);
  private static final Pattern NAMESPACE_FORM =
      Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  /** Reads labels; an {@link IllegalArgumentException} names the label, its value, the remedy. */
  static MesosLabels of(List<Map.Entry<String, String>> given) {
    Map<String, String> requests = new LinkedHashMap<>();
    Map<String, String> labels = new TreeMap<>();
    for (Map.Entry<String, String> label : given) {
      String key = label.getKey();
      if (isRequest(key)) {
        if (!KNOWN.contains(key)) {
          throw new IllegalArgumentException(
              "label \"" + key + "\" is not known: use one of " + String.join(", ", KNOWN));
        }
        put(requests, key, key, label.getValue());
      } else {
        put(labels, LabelNames.ofKey(key), key, LabelNames.ofValue(label.getValue()));
      }
    }
    return new MesosLabels(
        labels,
        namespace(requests.getOrDefault(NAMESPACE, DEFAULT_NAMESPACE)),
        profiles(requests),
        addresses(requests, ADDRESSES),
        addresses(requests, FLOATING),
        sources(requests),
        list(requests, IPV4_POOLS),
        list(requests, IPV6_POOLS));
  }

  static boolean isRequest(String key) {
    return key.startsWith("projectcalico.org/") || key.startsWith(CNI);
  }

  private static void put(Map<String, String> into, String name, String key, String value) {
    String before = into.putIfAbsent(name, value);
    if (before != null && !before.equals(value)) {
      throw new IllegalArgumentException(
          "label \""
              + key
              + "\" is there twice, with the values \""
              + before
              + "\" and \""
              + value
              + "\": remove one");
    }
  }

  private static String namespace(String text) {
    if (!NAMESPACE_FORM.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "label \""
              + NAMESPACE
              + "\" is \""
              + text
              + "\" but must be 1 to 63 lower-case letters, digits and dashes");
    }
    return text;
  }

  private static List<ProfileName> profiles(Map<String, String> requests) {
    String text = requests.getOrDefault(PROFILES, "");
    List<String> names =
        text.startsWith("[")
            ? list(requests, PROFILES)
            : Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    if (text.isEmpty()) {
      return List.of();
    }
    return names.stream().map(MesosLabels::profile).distinct().toList();
  }

  private static ProfileName profile(String name) {
    return ProfileName.tryParse(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "label \""
                        + PROFILES
                        + "\" names \""
                        + name
                        + "\", which is no profile's name"));
  }

  private static List<IpAddress> addresses(Map<String, String> requests, String key) {
    List<IpAddress> addresses = new ArrayList<>();
    for (String text : list(requests, key)) {
      IpAddress address =
          IpAddress.tryParse(text)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "label \"" + key + "\" has \"" + text + "\", which is no address"));
      if (!addresses.contains(address)) {
        addresses.add(address);
      }
    }
    return addresses;
  }

  private static List<Cidr> sources(Map<String, String> requests) {
    List<Cidr> networks = new ArrayList<>();
    for (String text : list(requests, SOURCES)) {
      networks.add(
          Cidr.tryParse(text)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "label \"" + SOURCES + "\" has \"" + text + "\", which is no network")));
    }
    return networks;
  }

  /** Reads a JSON list of texts, in single or double quotes. */
  static List<String> list(Map<String, String> requests, String key) {
    String text = requests.getOrDefault(key, "");
    List<String> items = new ArrayList<>();
    if (text.isEmpty()) {
      return items;
    }
    try {
      JsonElement json = JsonParser.parseString(text.replace('\'', '"'));
      if (json.isJsonArray()) {
        for (JsonElement item : json.getAsJsonArray()) {
          items.add(item.getAsString());
        }
        return items;
      }
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      items.clear();
    }
    throw new IllegalArgumentException(
        "label \"" + key + "\" is \"" + text + "\" but must be a list such as [\"10.11.12.13\"]");
  }
}
