package io.calico4j.core.cni;

import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.ContainerLiveness;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.InterfaceName;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Maps the requests of any CNI runtime: the profile is named like the network, so that the
 * containers of one network reach each other and no one else. It takes every request, so that it is
 * asked last.
 */
public final class PlainCniMapper implements RequestMapper {
  private final Function<CniRequest, String> runtime;

  /**
   * Makes a mapper.
   *
   * @param runtime names the runtime that made a request, as {@link ContainerLiveness#runtime()}
   *     does; empty for one that cannot be asked about its containers
   */
  public PlainCniMapper(Function<CniRequest, String> runtime) {
    this.runtime = runtime;
  }

  @Override
  public Optional<AttachRequest> map(CniRequest request, NodeName node) throws CniError {
    ProfileName profile = request.configuration().profile();
    List<ProfileDraft> created =
        request.configuration().wantsNetworkProfile()
            ? List.of(ProfileDraft.ofMembers(profile))
            : List.of();
    return Optional.of(map(request, node, List.of(profile), created));
  }

  /** Maps a request of which only the addresses count: whatever the network is called. */
  AttachRequest mapAddresses(CniRequest request, NodeName node) throws CniError {
    return map(request, node, List.of(), List.of());
  }

  private AttachRequest map(
      CniRequest request, NodeName node, List<ProfileName> profiles, List<ProfileDraft> created)
      throws CniError {
    NetworkConfiguration configuration = request.configuration();
    ContainerArguments arguments = ContainerArguments.of(request);
    EndpointIdentity identity = identity(request, node);
    boolean chosen = arguments.fixed().isEmpty();
    AttachRequest.Builder wanted =
        AttachRequest.of(identity)
            .labels(arguments.labels())
            .annotations(arguments.annotations())
            .profiles(profiles, created)
            .choose(
                chosen && configuration.assignIpv4() ? 1 : 0,
                configuration.ipv4Pools(),
                chosen && configuration.assignIpv6() ? 1 : 0,
                configuration.ipv6Pools())
            .fixed(arguments.fixed())
            .floating(arguments.floating())
            .allowedSources(arguments.allowedSources())
            .routes(configuration.routes())
            .mtu(configuration.mtu())
            .ipForwarding(configuration.allowIpForwarding())
            .runtime(runtime.apply(request));
    arguments.mac().ifPresent(wanted::mac);
    try {
      AttachRequest mapped = wanted.build();
      return arguments.unmanaged().isEmpty()
          ? mapped
          : mapped.withHeld(arguments.unmanaged(), mapped.routes(), Map.of());
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_CONFIGURATION, String.valueOf(e.getMessage()), "");
    }
  }

  @Override
  public Optional<EndpointIdentity> identify(CniRequest request, NodeName node) throws CniError {
    return Optional.of(identity(request, node));
  }

  /** Returns whose interface a request is about, without reading what only an ADD needs. */
  static EndpointIdentity identity(CniRequest request, NodeName node) throws CniError {
    try {
      return new EndpointIdentity(
          request.configuration().name(),
          node,
          "default",
          "cni",
          request.containerId(),
          new InterfaceName(request.interfaceName()));
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_ENVIRONMENT, String.valueOf(e.getMessage()), "");
    }
  }
}
