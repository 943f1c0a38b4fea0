package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which interface tells the MTU of workloads. */
class NodeUpkeepTest {
  private static final List<Link> LINKS =
      List.of(
          new Link(1, "lo", "", true, 65536, null, 0),
          new Link(2, "eth0", "", true, 9000, null, 0),
          new Link(3, "eth1", "", true, 8000, null, 0),
          new Link(4, "eth2", "", false, 1500, null, 0),
          new Link(5, "cali1", "veth", true, 1400, null, 0));

  @ParameterizedTest
  @CsvSource({"2, 9000", "4, 1500", "1, 8000"})
  void theInterfaceWithTheNodeAddressTellsUnlessItIsTheLoopback(int index, int expected) {
    IpAddress own = IpAddress.parse("192.0.2.11");
    assertThat(
            NodeMaintenance.uplinkMtu(
                own, List.of(new Netlink.InterfaceAddress(index, own, 32)), LINKS))
        .isEqualTo(expected);
  }

  @Test
  void anAddressThatNoInterfaceHasLeavesTheDefault() {
    assertThat(NodeMaintenance.uplinkMtu(IpAddress.parse("192.0.2.11"), List.of(), LINKS))
        .isEqualTo(1500);
  }
}
