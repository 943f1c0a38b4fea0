package io.calico4j.core.cni;

import com.google.gson.JsonObject;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What containers of a network may ask for: the object {@code allowed_requests} of the network
 * configuration, which the operator writes. What it does not grant is refused, with the line that
 * would grant it. Names are granted as they are or with {@code *} for any text, addresses by CIDR.
 * Without the object a container gets the network's own profile, chosen addresses, and labels
 * without a reserved prefix.
 */
public final class AllowedRequests {
  /** The object's name. */
  public static final String FIELD = "allowed_requests";

  static final List<String> MEMBERS =
      List.of(
          "profiles",
          "groups",
          "namespaces",
          "addresses",
          "floating_ips",
          "source_prefixes",
          "pools",
          "label_prefixes");

  private static final String DEFAULT_NAMESPACE = "default";

  private final String network;
  private final JsonObject granted;

  private AllowedRequests(String network, JsonObject granted) {
    this.network = network;
    this.granted = granted;
  }

  /** Reads the object; code 7 names a member that is unknown or of the wrong form. */
  public static AllowedRequests of(NetworkConfiguration configuration) throws CniError {
    JsonObject granted =
        NetworkConfiguration.object(configuration.document(), FIELD).orElseGet(JsonObject::new);
    check(granted);
    return new AllowedRequests(configuration.name(), granted);
  }

  /** Checks the object's members. */
  static void check(JsonObject granted) throws CniError {
    for (String name : granted.keySet()) {
      if (!MEMBERS.contains(name)) {
        throw new CniError(
            CniError.INVALID_CONFIGURATION,
            FIELD
                + " has the member \""
                + name
                + "\", which is unknown: did you mean \""
                + Spelling.nearest(name, MEMBERS)
                + "\"?",
            "known: " + String.join(", ", MEMBERS));
      }
      var unused = NetworkConfiguration.strings(granted, name);
    }
    for (String name : List.of("addresses", "floating_ips", "source_prefixes")) {
      var unused = networks(granted, name);
    }
  }

  /** Tells whether the operator has said anything about a member. */
  boolean mentions(String member) {
    return granted.has(member);
  }

  /** Demands a profile that a container names; the network's own is always granted. */
  public void requireProfile(String where, ProfileName profile) throws CniError {
    requireName(where, "profile", profile.text(), "profiles", network);
  }

  /** Demands a group that a container is to join; the network's own name is always granted. */
  public void requireGroup(String where, String group) throws CniError {
    requireName(where, "group", group, "groups", network);
  }

  /** Demands a namespace; {@code default} is always granted. */
  public void requireNamespace(String where, String namespace) throws CniError {
    requireName(where, "namespace", namespace, "namespaces", DEFAULT_NAMESPACE);
  }

  /**
   * Demands a pool, as it is written: by name or by CIDR.
   *
   * @param configured the network's own pools, which are always granted
   */
  public void requirePool(String where, String pool, List<String> configured) throws CniError {
    if (!configured.contains(pool)) {
      requireName(where, "pool", pool, "pools", "");
    }
  }

  /** Demands a label's key: any unless {@code label_prefixes} says which. */
  public void requireLabel(String where, String key) throws CniError {
    if (!mentions("label_prefixes")) {
      return;
    }
    for (String prefix : NetworkConfiguration.strings(granted, "label_prefixes")) {
      if (key.startsWith(prefix)) {
        return;
      }
    }
    throw refused(where, "label", key, "label_prefixes", key);
  }

  /** Demands a fixed address. */
  public void requireAddress(String where, IpAddress address) throws CniError {
    requireWithin(where, "address", address.toCidr(), "addresses");
  }

  /** Demands a floating address. */
  public void requireFloating(String where, IpAddress address) throws CniError {
    requireWithin(where, "floating address", address.toCidr(), "floating_ips");
  }

  /** Demands a network to send from. */
  public void requireSource(String where, Cidr network) throws CniError {
    requireWithin(where, "source prefix", network, "source_prefixes");
  }

  private void requireWithin(String where, String what, Cidr asked, String member) throws CniError {
    for (Cidr network : networks(granted, member)) {
      if (network.contains(asked)) {
        return;
      }
    }
    String text = asked.isSingle() ? asked.address().toString() : asked.toString();
    throw refused(where, what, text, member, asked.toString());
  }

  private void requireName(
      String where, String what, String asked, String member, String alwaysGranted)
      throws CniError {
    if (asked.equals(alwaysGranted)) {
      return;
    }
    for (String pattern : NetworkConfiguration.strings(granted, member)) {
      if (glob(pattern).matcher(asked).matches()) {
        return;
      }
    }
    throw refused(where, what, asked, member, asked);
  }

  private static Pattern glob(String pattern) {
    List<String> parts = new ArrayList<>();
    for (String part : pattern.split("\\*", -1)) {
      parts.add(Pattern.quote(part));
    }
    return Pattern.compile(String.join(".*", parts), Pattern.DOTALL);
  }

  private CniError refused(String where, String what, String asked, String member, String line) {
    return new CniError(
        CniError.INVALID_CONFIGURATION,
        where
            + " asks for "
            + what
            + " \""
            + abbreviate(asked)
            + "\", which network "
            + network
            + " does not grant: the operator may add \""
            + FIELD
            + "\": {\""
            + member
            + "\": [\""
            + abbreviate(line)
            + "\"]} to its configuration",
        "");
  }

  private static String abbreviate(String text) {
    return text.length() <= 253 ? text : text.substring(0, 253) + "…";
  }

  private static List<Cidr> networks(JsonObject granted, String member) throws CniError {
    List<Cidr> networks = new ArrayList<>();
    for (String text : NetworkConfiguration.strings(granted, member)) {
      Optional<Cidr> network = Cidr.tryParse(text);
      if (network.isEmpty()) {
        throw new CniError(
            CniError.INVALID_CONFIGURATION,
            FIELD + "." + member + ": \"" + text + "\" is not a network such as 203.0.113.0/24",
            "");
      }
      networks.add(network.get());
    }
    return networks;
  }
}
