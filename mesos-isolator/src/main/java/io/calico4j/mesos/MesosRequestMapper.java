package io.calico4j.mesos;

import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.cni.RequestMapper;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.mesos.Protos.Label;
import org.apache.mesos.Protos.NetworkInfo;

/**
 * Maps what a Mesos agent's {@code network/cni} isolator sends: the NetworkInfo in {@code
 * args."org.apache.mesos".network_info}. Its labels become the endpoint's labels; the label {@code
 * projectcalico.org/namespace} sets the namespace; the network's name is the profile, and so is
 * each of its groups; its addresses are assigned exactly.
 */
public final class MesosRequestMapper implements RequestMapper {
  private static final String NAMESPACE_LABEL = "projectcalico.org/namespace";

  /** Makes a mapper. */
  public MesosRequestMapper() {}

  @Override
  public Optional<AttachRequest> map(CniRequest request, String node) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    Optional<JsonObject> arguments = NetworkConfiguration.object(configuration.document(), "args");
    if (arguments.isEmpty() || !arguments.get().has("org.apache.mesos")) {
      return Optional.empty();
    }
    JsonObject mesos =
        NetworkConfiguration.object(arguments.get(), "org.apache.mesos").orElseThrow();
    NetworkInfo info = networkInfo(NetworkConfiguration.object(mesos, "network_info"));
    List<String> profiles = new ArrayList<>(List.of(configuration.name()));
    for (String group : info.getGroupsList()) {
      String profile = LabelNames.ofGroup(group);
      if (!profiles.contains(profile)) {
        profiles.add(profile);
      }
    }
    Addresses addresses = Addresses.of(info, configuration);
    Labels labels = Labels.of(info);
    try {
      return Optional.of(
          AttachRequest.of(
                  new EndpointIdentity(
                      configuration.name(),
                      node,
                      labels.namespace(),
                      "cni",
                      request.containerId(),
                      request.interfaceName()))
              .labels(labels.labels())
              .profiles(
                  profiles,
                  configuration.wantsNetworkProfile()
                      ? profiles.stream().map(ProfileDraft::ofMembers).toList()
                      : List.of())
              .choose(
                  addresses.ipv4(),
                  configuration.ipv4Pools(),
                  addresses.ipv6(),
                  configuration.ipv6Pools())
              .fixed(addresses.fixed())
              .mtu(configuration.mtu())
              .ipForwarding(configuration.allowIpForwarding())
              .runtime(MesosSandboxes.RUNTIME)
              .build());
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_ENVIRONMENT, String.valueOf(e.getMessage()), "");
    }
  }

  private static NetworkInfo networkInfo(Optional<JsonObject> json) throws CniError {
    if (json.isEmpty()) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "args.\"org.apache.mesos\".network_info is missing: the Mesos agent sends it since 1.0",
          "");
    }
    try {
      NetworkInfo.Builder builder = NetworkInfo.newBuilder();
      JsonFormat.parser().ignoringUnknownFields().merge(json.get().toString(), builder);
      return builder.build();
    } catch (InvalidProtocolBufferException e) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "args.\"org.apache.mesos\".network_info is no NetworkInfo of Mesos",
          String.valueOf(e.getMessage()));
    }
  }

  private record Labels(Map<String, String> labels, String namespace) {
    static Labels of(NetworkInfo info) throws CniError {
      Map<String, String> labels = new TreeMap<>();
      String namespace = "default";
      for (Label label : info.getLabels().getLabelsList()) {
        if (label.getKey().equals(NAMESPACE_LABEL)) {
          namespace = label.getValue();
          continue;
        }
        String key = LabelNames.sanitise(label.getKey());
        if (key.isEmpty()) {
          throw invalid(
              "label key \"" + label.getKey() + "\" has no letter or digit: rename the label");
        }
        String value = LabelNames.sanitise(label.getValue());
        String before = labels.putIfAbsent(key, value);
        if (before != null && !before.equals(value)) {
          throw invalid(
              "two labels become \""
                  + key
                  + "\" with the values \""
                  + before
                  + "\" and \""
                  + value
                  + "\": rename one");
        }
      }
      return new Labels(labels, namespace);
    }
  }

  private record Addresses(int ipv4, int ipv6, List<IpAddress> fixed) {
    static Addresses of(NetworkInfo info, NetworkConfiguration configuration) throws CniError {
      int ipv4 = 0;
      int ipv6 = 0;
      List<IpAddress> fixed = new ArrayList<>();
      for (NetworkInfo.IPAddress address : info.getIpAddressesList()) {
        if (address.hasIpAddress()) {
          fixed.add(
              IpAddress.tryParse(address.getIpAddress())
                  .orElseThrow(
                      () ->
                          invalid(
                              "ip_addresses: \"" + address.getIpAddress() + "\" is no address")));
        } else if (address.getProtocol() == NetworkInfo.Protocol.IPv6) {
          ipv6++;
        } else {
          ipv4++;
        }
      }
      if (ipv4 + ipv6 + fixed.size() == 0) {
        ipv4 = configuration.assignIpv4() ? 1 : 0;
        ipv6 = configuration.assignIpv6() ? 1 : 0;
      }
      return new Addresses(ipv4, ipv6, fixed);
    }
  }

  private static CniError invalid(String message) {
    return new CniError(CniError.INVALID_CONFIGURATION, "network_info: " + message, "");
  }
}
