package io.calico4j.core.datastore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import io.calico4j.core.testing.MemoryDatastore;
import org.junit.jupiter.api.Test;

/** Upstream's JSON in and out. */
class ResourceCodecTest {
  private static final String KEY =
      "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/deny-bad";

  private static Entry policy(String spec) {
    return new Entry(
        KEY,
        "{\"kind\":\"GlobalNetworkPolicy\",\"apiVersion\":\"projectcalico.org/v3\",\"metadata\":"
            + "{\"name\":\"default.deny-bad\",\"creationTimestamp\":null,\"extra\":1},\"spec\":"
            + spec
            + "}",
        7);
  }

  @Test
  void unknownFieldsSurviveAReadModifyWrite() throws Exception {
    Resource<PolicySpec> read =
        ResourceCodec.decode(
            ResourceKind.GLOBAL_NETWORK_POLICY,
            policy(
                "{\"selector\":\"a == 'b' \\u0026\\u0026 has(c)\",\"future\":{\"x\":1},"
                    + "\"ingress\":[{\"action\":\"Allow\",\"protocol\":\"TCP\","
                    + "\"destination\":{\"ports\":[80,\"8000:8100\",\"https\"]}}]}"));

    assertThat(read.metadata().name()).isEqualTo("deny-bad");
    assertThat(ResourceCodec.encode(read))
        .contains("\"future\":{\"x\":1}", "\"extra\":1", "\\u0026\\u0026 has(c)")
        .contains("\"ports\":[80,\"8000:8100\",\"https\"]")
        .contains("\"projectcalico.org/tier\":\"default\"")
        .doesNotContain("resourceVersion");
  }

  @Test
  void aRuleWithoutAKnownActionCannotBeRead() {
    assertThatThrownBy(
            () ->
                ResourceCodec.decode(
                    ResourceKind.GLOBAL_NETWORK_POLICY,
                    policy("{\"ingress\":[{\"action\":\"Alow\"}]}")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(KEY)
        .hasMessageContaining("action");
  }

  @Test
  void theDefaultAllowProfileIsListedButNotStored() throws Exception {
    MemoryDatastore datastore = new MemoryDatastore();
    ResourceClient client = new ResourceClient(datastore);

    assertThat(client.list(ResourceKind.PROFILE)).hasSize(1);
    assertThatThrownBy(() -> client.create(client.list(ResourceKind.PROFILE).get(0)))
        .hasMessageContaining("built in");
    assertThat(datastore.list("/calico/").entries()).isEmpty();
  }
}
