package io.calico4j.mesos;

import com.google.gson.JsonObject;
import io.calico4j.core.cni.AllowedRequests;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import org.apache.mesos.Protos.NetworkInfo;

/**
 * Compares what a task asks for with what the operator's network configuration grants. A framework,
 * and whoever may start tasks with it, writes labels, groups and addresses of a NetworkInfo freely;
 * none of it opens a door by itself.
 */
final class TaskRequests {
  private TaskRequests() {}

  /** Demands that all is granted; the error names the label or member, its value and the remedy. */
  static void requireAllowed(
      NetworkConfiguration configuration, NetworkInfo info, JsonObject json, MesosLabels labels)
      throws CniError {
    AllowedRequests allowed = AllowedRequests.of(configuration);
    allowed.requireNamespace(label(MesosLabels.NAMESPACE), labels.namespace());
    for (ProfileName profile : labels.profiles()) {
      allowed.requireProfile(label(MesosLabels.PROFILES), profile);
    }
    for (String group : info.getGroupsList()) {
      allowed.requireGroup("network_info.groups", group);
    }
    for (IpAddress address : labels.fixed()) {
      allowed.requireAddress(label(MesosLabels.ADDRESSES), address);
    }
    for (IpAddress address : MesosAddresses.of(info, json).fixed()) {
      allowed.requireAddress("network_info.ip_addresses", address);
    }
    for (IpAddress address : labels.floating()) {
      allowed.requireFloating(label(MesosLabels.FLOATING), address);
    }
    for (Cidr source : labels.allowedSources()) {
      allowed.requireSource(label(MesosLabels.SOURCES), source);
    }
    for (String pool : labels.ipv4Pools()) {
      allowed.requirePool(label(MesosLabels.IPV4_POOLS), pool, configuration.ipv4Pools());
    }
    for (String pool : labels.ipv6Pools()) {
      allowed.requirePool(label(MesosLabels.IPV6_POOLS), pool, configuration.ipv6Pools());
    }
    for (String key : labels.labels().keySet()) {
      allowed.requireLabel("network_info.labels", key);
    }
  }

  private static String label(String key) {
    return "label \"" + key + "\"";
  }
}
