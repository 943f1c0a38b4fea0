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
          + "\"ipam\":{\"type\":\"calico-ipam\",\"assign_ipv4\":\"true\",\"ipv4_pools\":[\"p\"]}}";

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
      boolean unused = read.assignIpv4() || read.assignIpv6();
    } catch (CniError e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
