package io.calico4j.core.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Optional;

/** Prints an attachment as the result of a spec version. */
final class CniResult {
  private CniResult() {}

  /**
   * What a result says besides the attachment.
   *
   * @param routes destinations that the configuration or the IPAM plugin named; the default routes
   *     are not listed, as upstream's plugin does not
   * @param dns name servers for the container; may be empty
   * @param withFamilies adds {@code ip4} and {@code ip6} to newer forms too, for runtimes that read
   *     nothing else
   */
  record Extras(List<Cidr> routes, JsonObject dns, boolean withFamilies) {
    /** Copies the list. */
    Extras {
      routes = List.copyOf(routes);
    }

    /** Says nothing. */
    static Extras none() {
      return new Extras(List.of(), new JsonObject(), false);
    }
  }

  /**
   * Prints the result of an ADD. The result of the plugins before this one is part of it, as the
   * spec's chaining asks for.
   *
   * @param attachment what was attached
   * @param request the request
   * @param extras what else to say
   */
  static String of(Attachment attachment, CniRequest request, Extras extras) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    CniVersion version = configuration.version();
    Optional<JsonObject> previous = configuration.previousResult();
    JsonObject result = versioned(configuration);
    if (version.hasFamilyMembers() || extras.withFamilies()) {
      addFamily(result, "ip4", attachment.addresses(), extras.routes(), true);
      addFamily(result, "ip6", attachment.addresses(), extras.routes(), false);
    }
    if (!version.hasFamilyMembers()) {
      JsonArray interfaces = list(previous, "interfaces");
      interfaces.add(
          link(attachment.hostInterface().text(), attachment.hostMac(), "", attachment, version));
      int inside = interfaces.size();
      interfaces.add(
          link(request.interfaceName(), attachment.mac(), request.netns(), attachment, version));
      JsonArray ips = list(previous, "ips");
      addAddresses(ips, attachment.addresses(), version, inside);
      JsonArray routes = list(previous, "routes");
      extras.routes().forEach(route -> routes.add(route(route)));
      result.add("interfaces", interfaces);
      result.add("ips", ips);
      if (!routes.isEmpty()) {
        result.add("routes", routes);
      }
    }
    JsonObject dns = extras.dns();
    if (previous.isPresent()) {
      dns =
          NetworkConfiguration.object(previous.get(), "dns")
              .filter(d -> d.size() > 0)
              .orElse(extras.dns());
    }
    if (dns.size() > 0) {
      result.add("dns", dns);
    }
    return result.toString();
  }

  private static JsonArray list(Optional<JsonObject> previous, String name) throws CniError {
    JsonElement element = previous.map(p -> p.get(name)).orElse(null);
    if (element == null || element.isJsonNull()) {
      return new JsonArray();
    }
    if (!element.isJsonArray()) {
      throw NetworkConfiguration.invalid("prevResult." + name, element, "a list");
    }
    return element.getAsJsonArray().deepCopy();
  }

  /** Prints the result of an IPAM plugin: addresses only. */
  static String ofIpam(
      List<IpAddress> addresses, List<Cidr> routes, NetworkConfiguration configuration) {
    JsonObject result = versioned(configuration);
    if (configuration.version().hasFamilyMembers()) {
      addFamily(result, "ip4", addresses, routes, true);
      addFamily(result, "ip6", addresses, routes, false);
    } else {
      JsonArray ips = new JsonArray();
      addAddresses(ips, addresses, configuration.version(), -1);
      result.add("ips", ips);
      if (!routes.isEmpty()) {
        JsonArray list = new JsonArray();
        routes.forEach(route -> list.add(route(route)));
        result.add("routes", list);
      }
    }
    return result.toString();
  }

  /** Prints the answer to VERSION. */
  static String versions(String asked) {
    JsonObject result = new JsonObject();
    result.addProperty("cniVersion", asked);
    JsonArray supported = new JsonArray();
    CniVersion.supported().forEach(supported::add);
    result.add("supportedVersions", supported);
    return result.toString();
  }

  private static JsonObject versioned(NetworkConfiguration configuration) {
    JsonObject result = new JsonObject();
    if (!configuration.givenVersion().isEmpty()) {
      result.addProperty("cniVersion", configuration.version().text());
    }
    return result;
  }

  private static void addFamily(
      JsonObject result, String name, List<IpAddress> addresses, List<Cidr> routes, boolean v4) {
    Optional<IpAddress> first = addresses.stream().filter(a -> a.isV4() == v4).findFirst();
    if (first.isEmpty()) {
      return;
    }
    JsonObject family = new JsonObject();
    family.addProperty("ip", first.get().toCidr().toString());
    JsonArray list = new JsonArray();
    routes.stream().filter(r -> r.address().isV4() == v4).forEach(r -> list.add(route(r)));
    if (!list.isEmpty()) {
      family.add("routes", list);
    }
    result.add(name, family);
  }

  private static JsonObject route(Cidr destination) {
    JsonObject route = new JsonObject();
    route.addProperty("dst", destination.toString());
    return route;
  }

  /** Adds addresses; a negative index is that of no interface. */
  private static void addAddresses(
      JsonArray ips, List<IpAddress> addresses, CniVersion version, int index) {
    for (IpAddress address : addresses) {
      JsonObject ip = new JsonObject();
      if (version.hasAddressVersion()) {
        ip.addProperty("version", address.isV4() ? "4" : "6");
      }
      ip.addProperty("address", address.toCidr().toString());
      if (index >= 0) {
        ip.addProperty("interface", index);
      }
      ips.add(ip);
    }
  }

  private static JsonObject link(
      String name, String mac, String sandbox, Attachment attachment, CniVersion version) {
    JsonObject link = new JsonObject();
    link.addProperty("name", name);
    link.addProperty("mac", mac);
    if (version.hasInterfaceMtu()) {
      link.addProperty("mtu", attachment.mtu());
    }
    if (!sandbox.isEmpty()) {
      link.addProperty("sandbox", sandbox);
    }
    return link;
  }
}
