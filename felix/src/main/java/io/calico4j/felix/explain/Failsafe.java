package io.calico4j.felix.explain;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.config.FailsafePort;
import java.util.List;
import java.util.Optional;

/** The ports that host endpoints leave open, as {@code HostEndpointManager} renders them. */
record Failsafe(List<FailsafePort> inbound, List<FailsafePort> outbound) {
  /** Returns the port by which a packet passes in filter and mangle; empty for none. */
  Optional<String> port(boolean ingress, Packet packet) {
    return ingress
        ? find(inbound, packet.source(), packet.destinationPort(), packet)
        : find(outbound, packet.destination(), packet.destinationPort(), packet);
  }

  /** Returns the port by which a packet passes before connection tracking, answers included. */
  Optional<String> untracked(boolean ingress, Packet packet) {
    Optional<String> answered =
        ingress
            ? find(outbound, packet.source(), packet.sourcePort(), packet)
            : find(inbound, packet.destination(), packet.sourcePort(), packet);
    return port(ingress, packet).or(() -> answered);
  }

  private static Optional<String> find(
      List<FailsafePort> ports, IpAddress other, int port, Packet packet) {
    return ports.stream()
        .filter(each -> each.port() == port)
        .filter(each -> Protocol.parse(each.protocol()).equals(packet.protocol()))
        .filter(each -> each.network() == null || each.network().contains(other))
        .map(each -> "fail-safe port " + each.protocol() + " " + each.port())
        .findFirst();
  }
}
