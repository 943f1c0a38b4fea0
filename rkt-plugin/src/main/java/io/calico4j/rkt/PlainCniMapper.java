package io.calico4j.rkt;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.cni.RequestMapper;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Optional;

/**
 * Maps the requests of rkt and of any other CNI runtime: no labels, and the profile named like the
 * network, so that the containers of one network reach each other and no one else.
 */
public final class PlainCniMapper implements RequestMapper {
  /** Makes a mapper. */
  public PlainCniMapper() {}

  @Override
  public Optional<AttachRequest> map(CniRequest request, String node) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    List<IpAddress> fixed = fixed(request);
    try {
      return Optional.of(
          AttachRequest.of(
                  new EndpointIdentity(
                      configuration.name(),
                      node,
                      "default",
                      "cni",
                      request.containerId(),
                      request.interfaceName()))
              .profiles(
                  List.of(configuration.name()),
                  configuration.wantsNetworkProfile()
                      ? List.of(ProfileDraft.ofMembers(configuration.name()))
                      : List.of())
              .choose(
                  configuration.assignIpv4() && fixed.isEmpty() ? 1 : 0,
                  configuration.ipv4Pools(),
                  configuration.assignIpv6() && fixed.isEmpty() ? 1 : 0,
                  configuration.ipv6Pools())
              .fixed(fixed)
              .mtu(configuration.mtu())
              .ipForwarding(configuration.allowIpForwarding())
              .runtime(RktPods.calls(request) ? RktPods.RUNTIME : "")
              .build());
    } catch (IllegalArgumentException e) {
      throw new CniError(CniError.INVALID_ENVIRONMENT, String.valueOf(e.getMessage()), "");
    }
  }

  private static List<IpAddress> fixed(CniRequest request) throws CniError {
    String text = request.arguments().get("IP");
    if (text == null) {
      return List.of();
    }
    return List.of(
        IpAddress.tryParse(text)
            .orElseThrow(
                () ->
                    new CniError(
                        CniError.INVALID_ENVIRONMENT,
                        "CNI_ARGS has IP=" + text + ", which is no address",
                        "")));
  }
}
