package io.calico4j.core.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an IPAM plugin answered to ADD, in whichever version. Prefix lengths and gateways are not
 * kept: an endpoint has single addresses, and its host is the gateway.
 *
 * @param addresses at least one
 * @param routes destinations; empty for none given
 * @param dns what it says of name servers; may be empty
 */
record IpamResult(List<IpAddress> addresses, List<Cidr> routes, JsonObject dns) {
  /** Copies the lists. */
  IpamResult {
    addresses = List.copyOf(addresses);
    routes = List.copyOf(routes);
  }

  /**
   * Reads an answer; one without address or with one that cannot be read is an error of the plugin.
   */
  static IpamResult parse(String plugin, String text, NetworkConfiguration configuration)
      throws CniError {
    try {
      JsonObject answer = NetworkConfiguration.decode(text);
      List<IpAddress> addresses = new ArrayList<>();
      List<Cidr> routes = new ArrayList<>();
      for (String family : List.of("ip4", "ip6")) {
        Optional<JsonObject> member = NetworkConfiguration.object(answer, family);
        if (member.isPresent()) {
          addresses.add(address(member.get(), "ip"));
          routes.addAll(routes(configuration, member.get()));
        }
      }
      JsonElement ips = answer.get("ips");
      for (JsonElement ip : ips instanceof JsonArray list ? list : new JsonArray()) {
        addresses.add(address(ip.isJsonObject() ? ip.getAsJsonObject() : answer, "address"));
      }
      if (addresses.isEmpty()) {
        throw new CniError(CniError.IPAM, "it has no address", "");
      }
      routes.addAll(routes(configuration, answer));
      addresses.sort(null);
      return new IpamResult(
          addresses,
          routes.stream().distinct().toList(),
          NetworkConfiguration.object(answer, "dns").orElseGet(JsonObject::new));
    } catch (CniError e) {
      throw new CniError(
          CniError.IPAM,
          "the answer of IPAM plugin " + plugin + " cannot be used: " + e.getMessage(),
          text.length() <= 500 ? text : text.substring(0, 500) + "…");
    }
  }

  private static IpAddress address(JsonObject member, String name) throws CniError {
    String text = NetworkConfiguration.string(member, name);
    int slash = text.indexOf('/');
    return IpAddress.tryParse(slash < 0 ? text : text.substring(0, slash))
        .orElseThrow(
            () -> new CniError(CniError.IPAM, "\"" + text + "\" is no address with prefix", ""));
  }

  private static List<Cidr> routes(NetworkConfiguration configuration, JsonObject member)
      throws CniError {
    JsonElement routes = member.get("routes");
    return routes == null || routes.isJsonNull()
        ? List.of()
        : configuration.routes("routes", routes);
  }

  /**
   * Returns the destinations to route: those given, and everything for a family of which none is
   * given, as a container without any route would be of no use.
   */
  List<Cidr> destinations() {
    List<Cidr> destinations = new ArrayList<>(routes);
    Map.of(true, "0.0.0.0/0", false, "::/0")
        .forEach(
            (v4, everything) -> {
              if (!routes.isEmpty()
                  && addresses.stream().anyMatch(a -> a.isV4() == v4)
                  && routes.stream().noneMatch(r -> r.address().isV4() == v4)) {
                destinations.add(Cidr.parse(everything));
              }
            });
    return destinations;
  }
}
