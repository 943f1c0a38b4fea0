package io.calico4j.core.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.net.IpAddress;
import java.util.List;

/** Prints an attachment as the result of a spec version. */
public final class CniResult {
  private CniResult() {}

  /**
   * Prints the result of an ADD.
   *
   * @param attachment what was attached
   * @param request the request
   * @param withFamilies adds {@code ip4} and {@code ip6} to newer forms too, for Mesos agents,
   *     which read nothing else
   */
  public static String of(Attachment attachment, CniRequest request, boolean withFamilies) {
    CniVersion version = request.configuration().version();
    JsonObject result = versioned(request.configuration());
    if (version.hasFamilyMembers() || withFamilies) {
      addFamily(result, "ip4", attachment.addresses(), true);
      addFamily(result, "ip6", attachment.addresses(), false);
    }
    if (!version.hasFamilyMembers()) {
      JsonArray interfaces = new JsonArray();
      interfaces.add(link(attachment.hostInterface(), attachment.hostMac(), ""));
      interfaces.add(link(request.interfaceName(), attachment.mac(), request.netns()));
      result.add("interfaces", interfaces);
      result.add("ips", addresses(attachment.addresses(), version, true));
    }
    return result.toString();
  }

  /** Prints the result of an IPAM plugin: addresses only. */
  public static String ofIpam(List<IpAddress> addresses, NetworkConfiguration configuration) {
    JsonObject result = versioned(configuration);
    if (configuration.version().hasFamilyMembers()) {
      addFamily(result, "ip4", addresses, true);
      addFamily(result, "ip6", addresses, false);
    } else {
      result.add("ips", addresses(addresses, configuration.version(), false));
    }
    return result.toString();
  }

  /** Prints the answer to VERSION. */
  public static String versions(String asked) {
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
      JsonObject result, String name, List<IpAddress> addresses, boolean v4) {
    addresses.stream()
        .filter(a -> a.isV4() == v4)
        .findFirst()
        .ifPresent(
            a -> {
              JsonObject family = new JsonObject();
              family.addProperty("ip", a.toCidr().toString());
              result.add(name, family);
            });
  }

  private static JsonArray addresses(
      List<IpAddress> addresses, CniVersion version, boolean indexed) {
    JsonArray ips = new JsonArray();
    for (IpAddress address : addresses) {
      JsonObject ip = new JsonObject();
      if (version.hasAddressVersion()) {
        ip.addProperty("version", address.isV4() ? "4" : "6");
      }
      ip.addProperty("address", address.toCidr().toString());
      if (indexed) {
        ip.addProperty("interface", 1);
      }
      ips.add(ip);
    }
    return ips;
  }

  private static JsonObject link(String name, String mac, String sandbox) {
    JsonObject link = new JsonObject();
    link.addProperty("name", name);
    link.addProperty("mac", mac);
    if (!sandbox.isEmpty()) {
      link.addProperty("sandbox", sandbox);
    }
    return link;
  }
}
