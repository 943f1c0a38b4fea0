package io.calico4j.core.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.testing.Resources;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The MTU of workloads for uplinks and encapsulations. */
class WorkloadMtuTest {
  private static IpPoolSpec pool(String cidr, String ipip, String vxlan) {
    return Resources.pool("pool", cidr).encapsulated(ipip, vxlan).spec();
  }

  @ParameterizedTest
  @CsvSource({
    "1500, 10.0.0.0/16, Never, Never, 1500",
    "1500, 10.0.0.0/16, , , 1500",
    "1500, 10.0.0.0/16, Always, Never, 1480",
    "1500, 10.0.0.0/16, CrossSubnet, Never, 1480",
    "1500, 10.0.0.0/16, Never, Always, 1450",
    "1500, fd00::/64, Never, CrossSubnet, 1430",
    "9001, 10.0.0.0/16, Never, Always, 8951",
    "1300, 10.0.0.0/16, Never, Always, 1280",
    "1200, 10.0.0.0/16, Never, Always, 1200",
  })
  void theUplinkCarriesTheHeaderToo(
      int uplink, String cidr, String ipip, String vxlan, int expected) {
    assertThat(WorkloadMtu.of(uplink, List.of(pool(cidr, ipip, vxlan)))).isEqualTo(expected);
  }

  @Test
  void theLargestHeaderOfAllPoolsCounts() {
    assertThat(
            WorkloadMtu.of(
                1500,
                List.of(
                    pool("10.0.0.0/16", "Always", null),
                    pool("10.1.0.0/16", null, "Always"),
                    pool("fd00::/64", null, null))))
        .isEqualTo(1450);
  }
}
