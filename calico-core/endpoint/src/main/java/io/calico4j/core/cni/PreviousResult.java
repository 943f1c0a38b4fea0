package io.calico4j.core.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The {@code prevResult} of a request: for ADD, what the plugins before this one made; for CHECK,
 * what all of them had made in the end, with which the container is compared.
 */
final class PreviousResult {
  private static final Cidr DEFAULT_V4 = Cidr.parse("0.0.0.0/0");
  private static final Cidr DEFAULT_V6 = Cidr.parse("::/0");

  private final CniRequest request;
  private final JsonObject result;

  private PreviousResult(CniRequest request, JsonObject result) {
    this.request = request;
    this.result = result;
  }

  /** Reads a CHECK's; code 7 when it has none. */
  static PreviousResult of(CniRequest request) throws CniError {
    return new PreviousResult(
        request,
        request
            .configuration()
            .previousResult()
            .orElseThrow(
                () ->
                    new CniError(
                        CniError.INVALID_CONFIGURATION,
                        "prevResult is missing: CHECK needs the result of the ADD",
                        "")));
  }

  /**
   * Demands for an ADD that the result of the plugins before this one can be passed on, and that
   * none of them has made the interface.
   */
  static void requireFree(CniRequest request) throws CniError {
    Optional<JsonObject> result = request.configuration().previousResult();
    if (result.isEmpty()) {
      return;
    }
    PreviousResult previous = new PreviousResult(request, result.get());
    for (String list : List.of("interfaces", "ips", "routes")) {
      List<JsonObject> unused = previous.members(list);
    }
    Optional<JsonObject> unused = NetworkConfiguration.object(result.get(), "dns");
    if (previous.ownIndex() >= 0) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "prevResult has the interface "
              + request.interfaceName()
              + " in this container already: calico makes it itself, so that policy is sure to hold;"
              + " put calico first in the list, or the plugin before it on another interface",
          "");
    }
  }

  private List<JsonObject> members(String name) throws CniError {
    JsonElement element = result.get(name);
    List<JsonObject> members = new ArrayList<>();
    if (element == null || element.isJsonNull()) {
      return members;
    }
    if (!(element instanceof JsonArray list)) {
      throw NetworkConfiguration.invalid("prevResult." + name, element, "a list");
    }
    for (JsonElement item : list) {
      if (!item.isJsonObject()) {
        throw NetworkConfiguration.invalid("prevResult." + name, item, "an object");
      }
      members.add(item.getAsJsonObject());
    }
    return members;
  }

  /** Returns the position of the container's interface among the interfaces, or -1. */
  private int ownIndex() throws CniError {
    List<JsonObject> interfaces = members("interfaces");
    for (int i = 0; i < interfaces.size(); i++) {
      if (NetworkConfiguration.string(interfaces.get(i), "name").equals(request.interfaceName())
          && NetworkConfiguration.string(interfaces.get(i), "sandbox").equals(request.netns())) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Compares interfaces, MAC address, addresses and routes with what is there.
   *
   * @param attachment what the datastore and the host say, checked already
   */
  void compare(Attachment attachment, Kernel kernel, NetworkNamespace sandbox) throws CniError {
    int own = ownIndex();
    if (own < 0) {
      throw different(
          "prevResult has no interface " + request.interfaceName() + " in " + request.netns());
    }
    try (Netlink inside = kernel.netlink(sandbox)) {
      Link link =
          inside
              .link(request.interfaceName())
              .orElseThrow(
                  () -> different("interface " + request.interfaceName() + " is missing inside"));
      String mac = NetworkConfiguration.string(members("interfaces").get(own), "mac");
      if (!mac.isEmpty() && (link.mac() == null || !link.mac().text().equalsIgnoreCase(mac))) {
        throw different(
            "MAC address of "
                + request.interfaceName()
                + " is "
                + link.mac()
                + " but prevResult says "
                + mac);
      }
      compareAddresses(attachment, own, inside, link);
      compareRoutes(attachment, inside, link);
    } catch (KernelException e) {
      throw new CniError(CniError.KERNEL, String.valueOf(e.getMessage()), "");
    }
  }

  private void compareAddresses(Attachment attachment, int own, Netlink inside, Link link)
      throws CniError, KernelException {
    List<IpAddress> expected = new ArrayList<>();
    for (JsonObject ip : members("ips")) {
      JsonElement index = ip.get("interface");
      if (index == null || index.isJsonNull() || index.toString().equals(Integer.toString(own))) {
        String text = NetworkConfiguration.string(ip, "address");
        expected.add(
            IpAddress.tryParse(text.replaceFirst("/.*", ""))
                .orElseThrow(() -> different("prevResult.ips has the address \"" + text + "\"")));
      }
    }
    for (IpAddress address : attachment.addresses()) {
      if (!expected.contains(address)) {
        throw different("address " + address + " of the endpoint is not in prevResult");
      }
    }
    List<IpAddress> present =
        inside.addresses().stream()
            .filter(a -> a.interfaceIndex() == link.index())
            .map(Netlink.InterfaceAddress::address)
            .toList();
    for (IpAddress address : expected) {
      if (!present.contains(address)) {
        throw different(
            "address " + address + " of prevResult is not on " + request.interfaceName());
      }
    }
  }

  private void compareRoutes(Attachment attachment, Netlink inside, Link link)
      throws CniError, KernelException {
    List<Cidr> expected = new ArrayList<>();
    for (JsonObject route : members("routes")) {
      String text = NetworkConfiguration.string(route, "dst");
      expected.add(
          Cidr.tryParse(text)
              .orElseThrow(() -> different("prevResult.routes has the destination " + text)));
    }
    List<Route> present = inside.routes();
    for (Cidr destination : expected) {
      if (present.stream().noneMatch(r -> r.destination().equals(destination))) {
        throw different("the container has no route to " + destination + " of prevResult");
      }
    }
    for (boolean v4 : new boolean[] {true, false}) {
      boolean addressed = attachment.addresses().stream().anyMatch(a -> a.isV4() == v4);
      boolean named = expected.stream().anyMatch(r -> r.address().isV4() == v4);
      Cidr everything = v4 ? DEFAULT_V4 : DEFAULT_V6;
      if (addressed
          && !named
          && present.stream()
              .noneMatch(
                  r -> r.destination().equals(everything) && r.interfaceIndex() == link.index())) {
        throw different(
            "the container has no default route on " + request.interfaceName() + " any more");
      }
    }
  }

  private static CniError different(String message) {
    return new CniError(CniError.INCONSISTENT, message, "");
  }
}
