package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.Tunnel;
import io.calico4j.felix.config.FelixConfig;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Whose tunnel packets the host takes. */
class TunnelManagerTest {
  private final RecordingTable table = new RecordingTable();
  private final TunnelManager manager = new TunnelManager(table);

  private List<String> input() {
    return table.snapshot().chains().get(TunnelManager.INPUT);
  }

  @Test
  void packetsOfOtherNodesAloneAreTakenAndThoseOfExternalOnesThatAreListed() {
    manager.update(
        new LocalTunnelUpdate(
            Tunnel.VXLAN,
            IpAddress.parse("192.0.2.1"),
            IpAddress.parse("10.65.0.1"),
            Optional.empty()));
    String drop = "meta nfproto ipv4 udp dport 4789 fib daddr type local drop";
    assertThat(input())
        .containsExactly(
            "udp dport 4789 ip saddr @cali40all-vxlan-net fib daddr type local accept", drop);

    manager.configure(
        FelixConfig.resolve(
                List.of(
                    FelixSource.environment(
                        Map.of(
                            "FELIX_ExternalNodesCIDRList", "198.51.100.0/24,203.0.113.7,fd00::7"))))
            .tunnels());
    String external = "{ 198.51.100.0/24, 203.0.113.7/32 }";
    assertThat(input())
        .hasSize(3)
        .contains("udp dport 4789 ip saddr " + external + " fib daddr type local accept")
        .endsWith(drop);
    assertThat(table.snapshot().chains().get(TunnelManager.OUTPUT))
        .contains("udp dport 4789 ip daddr " + external + " fib saddr type local accept");
  }
}
