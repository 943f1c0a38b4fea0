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
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.InterfaceName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.mesos.Protos.Label;
import org.apache.mesos.Protos.NetworkInfo;

/**
 * Maps what a Mesos agent's {@code network/cni} isolator sends: the NetworkInfo in {@code
 * args."org.apache.mesos".network_info}. {@link MesosLabels} says what its labels mean; the
 * network's name is the profile unless a label selects others, and each of its groups is a further
 * one; {@link MesosAddresses} says what its addresses mean. All of it is what a task asks for;
 * {@link TaskRequests} says what it gets.
 */
public final class MesosRequestMapper implements RequestMapper {
  /** The member of {@code args} that an agent fills. */
  static final String ARGUMENTS = "org.apache.mesos";

  private static final String PORT_MAPPINGS = "io.calico4j/mesos-port-mappings";

  /** Makes a mapper. */
  public MesosRequestMapper() {}

  @Override
  public Optional<AttachRequest> map(CniRequest request, NodeName node) throws CniError {
    Optional<JsonObject> arguments =
        NetworkConfiguration.object(request.configuration().document(), "args");
    if (arguments.isEmpty() || !arguments.get().has(ARGUMENTS)) {
      return Optional.empty();
    }
    if (request.command() == CniRequest.Command.DEL) {
      return Optional.of(
          AttachRequest.of(identity(request, node, namespaceOf(arguments.get()))).build());
    }
    JsonObject json =
        NetworkConfiguration.object(arguments.get(), ARGUMENTS)
            .flatMap(MesosRequestMapper::networkInfo)
            .orElseThrow(
                () ->
                    new CniError(
                        CniError.INVALID_CONFIGURATION,
                        "args.\"org.apache.mesos\".network_info is missing: the Mesos agent sends"
                            + " it since 1.0",
                        ""));
    NetworkInfo info = decode(json);
    try {
      MesosLabels labels = labels(info);
      TaskRequests.requireAllowed(request.configuration(), info, json, labels);
      return Optional.of(
          attach(
              request.configuration(),
              identity(request, node, labels.namespace()),
              info,
              json,
              labels));
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_CONFIGURATION, "network_info: " + e.getMessage(), "");
    }
  }

  /** A Mesos agent reads nothing else, whichever spec version it asks for. */
  @Override
  public boolean readsFamilyMembers() {
    return true;
  }

  private static AttachRequest attach(
      NetworkConfiguration configuration,
      EndpointIdentity identity,
      NetworkInfo info,
      JsonObject json,
      MesosLabels labels)
      throws CniError {
    MesosAddresses addresses =
        MesosAddresses.of(
            info, json, labels.fixed(), configuration.assignIpv4(), configuration.assignIpv6());
    List<ProfileName> created = new ArrayList<>();
    List<ProfileName> profiles = new ArrayList<>(labels.profiles());
    if (profiles.isEmpty()) {
      profiles.add(configuration.profile());
      created.add(configuration.profile());
    }
    for (String group : info.getGroupsList()) {
      ProfileName profile = new ProfileName(LabelNames.ofGroup(group));
      if (!profiles.contains(profile)) {
        profiles.add(profile);
        created.add(profile);
      }
    }
    return AttachRequest.of(identity)
        .labels(labels.labels())
        .annotations(portMappings(info))
        .profiles(
            profiles,
            configuration.wantsNetworkProfile()
                ? created.stream().map(ProfileDraft::ofMembers).toList()
                : List.of())
        .choose(
            addresses.ipv4(),
            labels.ipv4Pools().isEmpty() ? configuration.ipv4Pools() : labels.ipv4Pools(),
            addresses.ipv6(),
            labels.ipv6Pools().isEmpty() ? configuration.ipv6Pools() : labels.ipv6Pools())
        .fixed(addresses.fixed())
        .floating(labels.floating())
        .allowedSources(labels.allowedSources())
        .mtu(configuration.mtu())
        .ipForwarding(configuration.allowIpForwarding())
        .runtime(MesosSandboxes.RUNTIME)
        .build();
  }

  private static EndpointIdentity identity(CniRequest request, NodeName node, String namespace)
      throws CniError {
    try {
      return new EndpointIdentity(
          request.configuration().name(),
          node,
          namespace,
          "cni",
          request.containerId(),
          new InterfaceName(request.interfaceName()));
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_ENVIRONMENT, String.valueOf(e.getMessage()), "");
    }
  }

  /**
   * Finds the namespace for a DEL, which must not fail for what made the ADD fail: an agent would
   * keep the container for ever.
   */
  private static String namespaceOf(JsonObject arguments) {
    try {
      return NetworkConfiguration.object(arguments, ARGUMENTS)
          .flatMap(MesosRequestMapper::networkInfo)
          .map(MesosRequestMapper::namespaceLabel)
          .orElse(MesosLabels.DEFAULT_NAMESPACE);
    } catch (CniError | RuntimeException e) {
      return MesosLabels.DEFAULT_NAMESPACE;
    }
  }

  private static String namespaceLabel(JsonObject json) {
    try {
      return decode(json).getLabels().getLabelsList().stream()
          .filter(label -> label.getKey().equals(MesosLabels.NAMESPACE))
          .map(Label::getValue)
          .filter(value -> value.matches("[a-z0-9][a-z0-9-]{0,62}"))
          .findFirst()
          .orElse(MesosLabels.DEFAULT_NAMESPACE);
    } catch (CniError e) {
      return MesosLabels.DEFAULT_NAMESPACE;
    }
  }

  private static Optional<JsonObject> networkInfo(JsonObject mesos) {
    return mesos.get("network_info") instanceof JsonObject info
        ? Optional.of(info)
        : Optional.empty();
  }

  private static NetworkInfo decode(JsonObject json) throws CniError {
    try {
      NetworkInfo.Builder builder = NetworkInfo.newBuilder();
      JsonFormat.parser().ignoringUnknownFields().merge(json.toString(), builder);
      return builder.build();
    } catch (InvalidProtocolBufferException e) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "args.\"org.apache.mesos\".network_info is no NetworkInfo of Mesos",
          String.valueOf(e.getMessage()));
    }
  }

  private static MesosLabels labels(NetworkInfo info) {
    return MesosLabels.of(
        info.getLabels().getLabelsList().stream()
            .map(label -> Map.entry(label.getKey(), label.getValue()))
            .toList());
  }

  /** Records the host ports, for the operator: mesos-cni-port-mapper leads them here. */
  private static Map<String, String> portMappings(NetworkInfo info) {
    String text =
        info.getPortMappingsList().stream()
            .map(
                m ->
                    m.getHostPort()
                        + ":"
                        + m.getContainerPort()
                        + "/"
                        + (m.hasProtocol() ? m.getProtocol().toLowerCase(Locale.ROOT) : "tcp"))
            .collect(Collectors.joining(","));
    return text.isEmpty() ? Map.of() : Map.of(PORT_MAPPINGS, text);
  }
}
