package io.calico4j.felix;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whose connections are forgotten. */
class DepartedAddressesTest {
  private static final IpAddress ONE = IpAddress.parse("10.65.0.1");
  private static final IpAddress TWO = IpAddress.parse("fd00::2");

  private final DepartedAddresses addresses = new DepartedAddresses();

  private static Resource<WorkloadEndpointSpec> endpoint(String networks)
      throws ValidationException {
    String key = "/calico/resources/v3/projectcalico.org/workloadendpoints/default/here-cni-c-eth0";
    String json =
        "{'apiVersion':'projectcalico.org/v3','kind':'WorkloadEndpoint','metadata':{"
            + "'name':'here-cni-c-eth0','namespace':'default'},'spec':{'node':'here',"
            + "'orchestrator':'cni','containerID':'c','endpoint':'eth0','ipNetworks':"
            + networks
            + ",'interfaceName':'cali1'}}";
    return ResourceCodec.decode(
        ResourceKind.WORKLOAD_ENDPOINT, new Entry(key, json.replace('\'', '"'), 7));
  }

  @Test
  void anAddressThatGoesIsForgottenOnce() throws Exception {
    addresses.present(List.of(endpoint("['10.65.0.1/32','fd00::2/128']")));
    assertThat(addresses.take()).isEmpty();
    addresses.present(List.of(endpoint("['10.65.0.1/32']")));
    assertThat(addresses.take()).containsExactly(TWO);
    addresses.present(List.of());
    assertThat(addresses.take()).containsExactly(ONE);
    assertThat(addresses.take()).isEmpty();
  }

  @Test
  void anAddressThatIsBackBelongsToItsNewOwner() throws Exception {
    addresses.present(List.of(endpoint("['10.65.0.1/32']")));
    addresses.present(List.of());
    addresses.present(List.of(endpoint("['10.65.0.1/32']")));
    assertThat(addresses.take()).isEmpty();
    addresses.putBack(Set.of(ONE, TWO));
    assertThat(addresses.take()).containsExactly(TWO);
  }
}
