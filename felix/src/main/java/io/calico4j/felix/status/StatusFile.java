package io.calico4j.felix.status;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that tells CNI plugins that an endpoint's policy is in force ({@code
 * libcalico-go/lib/epstatusfile}).
 *
 * @param name the file's name: orchestrator, workload and endpoint, escaped, with blanks between
 * @param content JSON
 */
public record StatusFile(String name, String content) {
  /** What Go's {@code url.PathEscape} leaves besides letters and digits. */
  private static final String UNESCAPED = "-_.~$&+=:@";

  /**
   * Renders an endpoint's file; empty when its name is none of a workload endpoint.
   *
   * @param bgpPeer the name of the BGPPeer whose peer the endpoint is; null for none
   */
  public static Optional<StatusFile> of(
      Resource<WorkloadEndpointSpec> endpoint, @Nullable String bgpPeer) {
    return WorkloadEndpointName.parse(endpoint.metadata().name())
        .map(
            name ->
                new StatusFile(
                    escape(name.orchestrator())
                        + " "
                        + escape(
                            Objects.requireNonNullElse(endpoint.metadata().namespace(), "")
                                + "/"
                                + name.workload())
                        + " "
                        + escape(name.endpoint()),
                    content(endpoint.spec(), bgpPeer)));
  }

  private static String content(WorkloadEndpointSpec endpoint, @Nullable String bgpPeer) {
    JsonObject json = new JsonObject();
    put(json, "ifaceName", endpoint.interfaceName());
    put(json, "mac", endpoint.mac());
    put(json, "ipv4Nets", networks(endpoint, IpFamily.IPV4));
    put(json, "ipv6Nets", networks(endpoint, IpFamily.IPV6));
    put(json, "bgpPeerName", bgpPeer);
    return json.toString();
  }

  private static void put(JsonObject json, String name, @Nullable Object value) {
    if (value instanceof JsonArray array && !array.isEmpty()) {
      json.add(name, array);
    } else if (value instanceof String text && !text.isEmpty()) {
      json.addProperty(name, text);
    }
  }

  private static JsonArray networks(WorkloadEndpointSpec endpoint, IpFamily family) {
    JsonArray networks = new JsonArray();
    for (String text : endpoint.ipNetworks()) {
      Cidr.tryParse(text)
          .filter(network -> network.family() == family)
          .ifPresent(network -> networks.add(network.toString()));
    }
    return networks;
  }

  private static String escape(String segment) {
    StringBuilder escaped = new StringBuilder();
    for (byte each : segment.getBytes(StandardCharsets.UTF_8)) {
      char character = (char) (each & 0xff);
      if (character < 0x80
          && (Character.isLetterOrDigit(character) || UNESCAPED.indexOf(character) >= 0)) {
        escaped.append(character);
      } else {
        escaped.append('%').append(String.format("%02X", (int) character));
      }
    }
    return escaped.toString();
  }
}
