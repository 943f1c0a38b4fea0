package io.calico4j.rkt;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.Optional;

/** Compares what is there with the {@code prevResult} that CHECK comes with. */
final class PreviousResult {
  private PreviousResult() {}

  /** Demands that every address of the attachment is in the previous result. */
  static void compare(JsonObject configuration, Attachment attachment) throws CniError {
    Optional<JsonObject> previous = NetworkConfiguration.object(configuration, "prevResult");
    if (previous.isEmpty()) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "prevResult is missing: CHECK needs the result of the ADD",
          "");
    }
    JsonElement ips = previous.get().get("ips");
    for (IpAddress address : attachment.addresses()) {
      boolean found = false;
      if (ips != null && ips.isJsonArray()) {
        for (JsonElement ip : ips.getAsJsonArray()) {
          found |=
              ip.isJsonObject()
                  && Cidr.tryParse(NetworkConfiguration.string(ip.getAsJsonObject(), "address"))
                      .map(cidr -> cidr.contains(address))
                      .orElse(false);
        }
      }
      if (!found) {
        throw new CniError(
            CniError.INCONSISTENT,
            "address " + address + " of the endpoint is not in prevResult",
            "");
      }
    }
  }
}
