package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Whatever a runtime sends as configuration is read or refused with a CNI error. */
class NetworkConfigurationFuzzTest {
  private static final String GOOD =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"calico\",\"args\":{\"a\":{}},"
          + "\"ipam\":{\"type\":\"calico-ipam\",\"assign_ipv4\":\"true\",\"ipv4_pools\":[\"p\"],"
          + "\"subnet\":\"10.1.0.0/16\",\"routes\":[{\"dst\":\"10.0.0.0/8\"}]},\"mtu\":1400,"
          + "\"include_default_routes\":true,\"policy\":{\"type\":\"k8s\"},\"prevResult\":{\"ips\":[]},"
          + "\"dns\":{\"nameservers\":[]},\"runtimeConfig\":{\"dns\":{\"servers\":[\"a\"]},\"mac\":\"m\"},"
          + "\"feature_control\":{\"floating_ips\":true}}";

  @Provide
  Arbitrary<String> damaged() {
    Arbitrary<String> piece =
        Arbitraries.of("", "null", "7", "[]", "{}", "\"", "{", "}", ",", ":", "\\u0000", "true");
    return Arbitraries.integers()
        .between(0, GOOD.length())
        .flatMap(
            from ->
                Arbitraries.integers()
                    .between(from, Math.min(GOOD.length(), from + 12))
                    .flatMap(
                        to -> piece.map(p -> GOOD.substring(0, from) + p + GOOD.substring(to))));
  }

  @Property(tries = 5000)
  void aDamagedConfigurationIsReadOrRefused(@ForAll("damaged") String text) {
    try {
      NetworkConfiguration read = NetworkConfiguration.parse(text);
      assertThat(read.ipamType()).isNotNull();
      boolean unused = read.assignIpv4() || read.assignIpv6() || read.allows("floating_ips");
      assertThat(read.mtu()).isBetween(0, 65535);
      assertThat(read.routes()).doesNotContainNull();
      assertThat(read.ipv4Pools()).doesNotContainNull();
      assertThat(read.dns()).isNotNull();
      assertThat(read.previousResult()).isNotNull();
      ConfigurationFields.check(read.document());
    } catch (CniError e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
