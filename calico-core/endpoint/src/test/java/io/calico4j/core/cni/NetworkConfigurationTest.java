package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What runtimes put into a configuration. */
class NetworkConfigurationTest {
  private static NetworkConfiguration parse(String members) throws CniError {
    String json = "{'cniVersion':'1.0.0','name':'net','type':'calico'" + members + "}";
    return NetworkConfiguration.parse(json.replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'dns':{'servers':['192.0.2.53'],'searches':['a'],'options':['o']}}",
        "{'dns':{'Servers':['192.0.2.53'],'Searches':['a'],'Options':['o']}}",
        "{'DNS':{'Servers':['192.0.2.53'],'searches':['a'],'OPTIONS':['o']}}",
      })
  void aCapabilityIsReadInAnyLetterCase(String runtimeConfig) throws CniError {
    assertThat(parse(",'runtimeConfig':" + runtimeConfig).dns().entrySet())
        .extracting(Object::toString)
        .containsExactlyInAnyOrder(
            "nameservers=[\"192.0.2.53\"]", "search=[\"a\"]", "options=[\"o\"]");
  }

  @Test
  void theExactNameWins() throws CniError {
    assertThat(
            parse(",'runtimeConfig':{'IPS':['10.65.0.1'],'ips':['10.65.0.2']}")
                .runtimeConfig()
                .get("ips"))
        .hasToString("[\"10.65.0.2\"]");
    assertThat(parse(",'runtimeConfig':{'IPs':['10.65.0.1']}").runtimeConfig().get("ips"))
        .hasToString("[\"10.65.0.1\"]");
  }

  @Test
  void anErrorWithoutACauseHasNoDetails() {
    assertThat(new CniError(CniError.KERNEL, "no", String.valueOf((Object) null)).toJson("1.0.0"))
        .isEqualTo("{\"cniVersion\":\"1.0.0\",\"code\":102,\"msg\":\"no\"}");
  }
}
