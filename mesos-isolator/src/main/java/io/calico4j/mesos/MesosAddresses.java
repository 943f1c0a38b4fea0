package io.calico4j.mesos;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.mesos.Protos.NetworkInfo;

/**
 * Which addresses a NetworkInfo asks for. An address that is written out counts with its own
 * family, because agents print {@code "protocol":"IPv4"} beside IPv6 addresses too.
 *
 * @param ipv4 how many IPv4 addresses to choose
 * @param ipv6 how many IPv6 addresses to choose
 * @param fixed addresses to assign exactly
 */
record MesosAddresses(int ipv4, int ipv6, List<IpAddress> fixed) {
  private static final int MAX_CHOSEN = 16;

  /** Reads what is written out in the NetworkInfo alone. */
  static MesosAddresses of(NetworkInfo info, JsonObject json) {
    return of(info, json, List.of(), false, false);
  }

  /**
   * Reads the request; an {@link IllegalArgumentException} names what is wrong with it.
   *
   * @param info the NetworkInfo
   * @param json the same as the agent printed it, for the fields that Mesos 1.0 dropped
   * @param labelled addresses that labels ask for, which take the place of chosen ones
   * @param wantsIpv4 whether the network gives IPv4 addresses to those who do not ask
   * @param wantsIpv6 the same for IPv6
   */
  static MesosAddresses of(
      NetworkInfo info,
      JsonObject json,
      List<IpAddress> labelled,
      boolean wantsIpv4,
      boolean wantsIpv6) {
    int ipv4 = 0;
    int ipv6 = 0;
    Set<IpAddress> fixed = new LinkedHashSet<>();
    for (NetworkInfo.IPAddress address : info.getIpAddressesList()) {
      if (address.hasIpAddress()) {
        fixed.add(parse("ip_addresses", address.getIpAddress()));
      } else if (address.getProtocol() == NetworkInfo.Protocol.IPv6) {
        ipv6++;
      } else {
        ipv4++;
      }
    }
    if (info.getIpAddressesCount() == 0) {
      String alone = text(json, "ip_address");
      if (!alone.isEmpty()) {
        fixed.add(parse("ip_address", alone));
      } else if (text(json, "protocol").equals("IPv6")) {
        ipv6 = 1;
      }
    }
    if (ipv4 + ipv6 + fixed.size() == 0) {
      ipv4 = wantsIpv4 ? 1 : 0;
      ipv6 = wantsIpv6 ? 1 : 0;
    }
    for (IpAddress address : labelled) {
      if (fixed.add(address)) {
        ipv4 = Math.max(0, ipv4 - (address.isV4() ? 1 : 0));
        ipv6 = Math.max(0, ipv6 - (address.isV4() ? 0 : 1));
      }
    }
    if (ipv4 + ipv6 > MAX_CHOSEN) {
      throw new IllegalArgumentException(
          "ip_addresses asks for "
              + (ipv4 + ipv6)
              + " addresses, but a container gets at most "
              + MAX_CHOSEN);
    }
    return new MesosAddresses(ipv4, ipv6, new ArrayList<>(fixed));
  }

  private static IpAddress parse(String where, String text) {
    return IpAddress.tryParse(text)
        .orElseThrow(
            () -> new IllegalArgumentException(where + ": \"" + text + "\" is no address"));
  }

  private static String text(JsonObject json, String name) {
    JsonElement element = json.get(name);
    return element != null && element.isJsonPrimitive() ? element.getAsString() : "";
  }
}
