package io.calico4j.node.address;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.net.IpAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which networks are the host's and its neighbours'. */
class HostNetworkTest {
  private static HostAddress address(String link, String address, int prefix) {
    return new HostAddress(link, true, IpAddress.parse(address), prefix);
  }

  @Test
  void networksOfWorkloadsTunnelsAndLoopbackAreNot() {
    assertThat(
            HostNetwork.of(
                List.of(
                    address("lo", "127.0.0.1", 8),
                    address("lo", "10.255.0.1", 32),
                    address("eth0", "192.168.1.11", 24),
                    address("eth0", "192.168.1.12", 24),
                    address("eth0", "fe80::1", 64),
                    address("eth0", "fd00::1", 64),
                    address("cali1", "10.65.0.1", 32),
                    address("tunl0", "10.65.0.2", 32),
                    address("vxlan.calico", "10.65.0.3", 32))))
        .extracting(HostNetwork::toString)
        .containsExactly("10.255.0.1/32 (lo)", "192.168.1.0/24 (eth0)", "fd00::/64 (eth0)");
  }
}
