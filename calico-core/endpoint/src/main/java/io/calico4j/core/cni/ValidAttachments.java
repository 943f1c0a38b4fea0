package io.calico4j.core.cni;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a runtime says is still attached to a network, in {@code cni.dev/valid-attachments} of a GC
 * request (CNI SPEC 1.1.0, "GC"), or under the older name {@code cni.dev/attachments}. The
 * reference library writes null for none.
 *
 * @param attachments container id and interface name of each
 */
record ValidAttachments(Set<Attachment> attachments) {
  private static final String NAME = "cni.dev/valid-attachments";
  private static final String OLD_NAME = "cni.dev/attachments";

  /** Copies the set. */
  ValidAttachments {
    attachments = Set.copyOf(attachments);
  }

  /**
   * One of them.
   *
   * @param containerId CNI_CONTAINERID
   * @param interfaceName CNI_IFNAME
   */
  record Attachment(String containerId, String interfaceName) {}

  /** Reads a configuration's; empty when it has none: then nothing is known to be unused. */
  static Optional<ValidAttachments> parse(JsonObject configuration) throws CniError {
    String name = configuration.has(NAME) ? NAME : OLD_NAME;
    JsonElement list = configuration.get(name);
    if (list == null) {
      return Optional.empty();
    }
    Set<Attachment> valid = new HashSet<>();
    if (list.isJsonNull()) {
      return Optional.of(new ValidAttachments(valid));
    }
    if (!list.isJsonArray()) {
      throw NetworkConfiguration.invalid(name, list, "a list");
    }
    for (JsonElement item : list.getAsJsonArray()) {
      if (!item.isJsonObject()) {
        throw NetworkConfiguration.invalid(name, item, "an object");
      }
      String containerId = NetworkConfiguration.string(item.getAsJsonObject(), "containerID");
      String interfaceName = NetworkConfiguration.string(item.getAsJsonObject(), "ifname");
      if (containerId.isEmpty() || interfaceName.isEmpty()) {
        throw NetworkConfiguration.invalid(name, item, "an object with containerID and ifname");
      }
      valid.add(new Attachment(containerId, interfaceName));
    }
    return Optional.of(new ValidAttachments(valid));
  }

  /** Tells whether an interface of a container is among them. */
  boolean contains(String containerId, String interfaceName) {
    return attachments.contains(new Attachment(containerId, interfaceName));
  }

  /** Tells whether any interface of a container is among them. */
  boolean containsContainer(String containerId) {
    return attachments.stream().anyMatch(a -> a.containerId().equals(containerId));
  }
}
