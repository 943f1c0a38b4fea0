package io.calico4j.felix;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.Resources;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whose connections are forgotten. */
class DepartedAddressesTest {
  private static final IpAddress ONE = IpAddress.parse("10.65.0.1");
  private static final IpAddress TWO = IpAddress.parse("fd00::2");

  private final DepartedAddresses addresses = new DepartedAddresses();

  private static Resource<WorkloadEndpointSpec> endpoint(String... addresses) {
    return Resources.endpoint("here", "c").addresses(addresses).build();
  }

  @Test
  void anAddressThatGoesIsForgottenOnce() {
    addresses.present(List.of(endpoint("10.65.0.1", "fd00::2")));
    assertThat(addresses.take()).isEmpty();
    addresses.present(List.of(endpoint("10.65.0.1")));
    assertThat(addresses.take()).containsExactly(TWO);
    addresses.present(List.of());
    assertThat(addresses.take()).containsExactly(ONE);
    assertThat(addresses.take()).isEmpty();
  }

  @Test
  void anAddressThatIsBackBelongsToItsNewOwner() {
    addresses.present(List.of(endpoint("10.65.0.1")));
    addresses.present(List.of());
    addresses.present(List.of(endpoint("10.65.0.1")));
    assertThat(addresses.take()).isEmpty();
    addresses.putBack(Set.of(ONE, TWO));
    assertThat(addresses.take()).containsExactly(TWO);
  }
}
