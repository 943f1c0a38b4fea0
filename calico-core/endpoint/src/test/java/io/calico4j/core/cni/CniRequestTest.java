package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.calico4j.core.plugin.PluginRequest;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input and the code and word of the error it must give. */
class CniRequestTest {
  private static final String GOOD = "{\"name\":\"net\",\"type\":\"calico\"}";

  private static PluginRequest request(String variable, String value, String input) {
    Map<String, String> environment =
        new HashMap<>(
            Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/c1",
                "CNI_IFNAME", "eth0"));
    environment.put(variable, value);
    return new PluginRequest("calico", environment, input, -1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "CNI_COMMAND | FLY | 4 | FLY",
        "CNI_COMMAND | CHECK | 4 | 0.4.0",
        "CNI_COMMAND | GC | 4 | 1.1.0",
        "CNI_COMMAND | STATUS | 4 | 1.1.0",
        "CNI_CONTAINERID | ../etc | 4 | ../etc",
        "CNI_CONTAINERID | `` | 4 | CNI_CONTAINERID",
        "CNI_NETNS | `` | 4 | CNI_NETNS",
        "CNI_IFNAME | a/b | 4 | a/b",
        "CNI_IFNAME | .. | 4 | ..",
        "CNI_IFNAME | sixteencharacter | 4 | sixteencharacter",
        "CNI_ARGS | novalue | 4 | novalue",
      })
  void badEnvironmentIsNamed(String variable, String value, int code, String word) {
    CniError error =
        catchThrowableOfType(
            CniError.class, () -> CniRequest.parse(request(variable, value, GOOD)));
    assertThat(error.code()).isEqualTo(code);
    assertThat(error).hasMessageContaining(word);
  }

  @ParameterizedTest
  @ValueSource(strings = {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_ARGS"})
  void aValueWithControlCharactersIsRefusedAndEscaped(String variable) {
    String forged = "c1\n2026 WARN x\u001b[2K\r";
    CniError error =
        catchThrowableOfType(
            CniError.class, () -> CniRequest.parse(request(variable, forged, GOOD)));
    assertThat(error.code()).isEqualTo(CniError.INVALID_ENVIRONMENT);
    assertThat(error).hasMessageContaining("c1\\n2026 WARN x\\u001b[2K\\r");
  }

  @ParameterizedTest
  @ValueSource(strings = {"c1\n", "e\u007f", "e\u0000", "é", "e\u200b"})
  void anInterfaceNameIsPrintable(String name) {
    assertThat(
            catchThrowableOfType(
                CniError.class, () -> CniRequest.parse(request("CNI_IFNAME", name, GOOD))))
        .hasMessageContaining("printable ASCII");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"etcd_password\":\"geheim\"",
        "[{\"etcd_password\":\"geheim\"}]",
        "\"geheim\"",
        "{\"name\":\"n\",\"etcd_password\":[\"geheim\"]}",
        "{\"name\":\"n\",\"etcd_endpoints\":[\"http://u:geheim@a\"]}",
        "{\"name\":\"n\",\"policy\":{\"k8s_auth_token\":[\"geheim\"]}}",
        "{\"name\":\"n\",\"policy\":{\"k8s_client_key\":[\"geheim\"]}}",
      })
  void noSecretOfTheConfigurationIsPrinted(String input) {
    CniError error =
        catchThrowableOfType(
            CniError.class,
            () ->
                ConfigurationFields.check(
                    CniRequest.parse(request("X", "", input)).configuration().document()));
    assertThat(error.toJson(null)).doesNotContain("geheim");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | 6 | empty",
        "{ | 6 | JSON",
        "[] | 6 | object",
        "{\"cniVersion\":\"9.9.9\",\"name\":\"n\"} | 1 | 9.9.9",
        "{\"cniVersion\":1,\"name\":\"n\"} | 7 | cniVersion",
        "{\"type\":\"calico\"} | 7 | name",
        "{\"name\":\"a b\"} | 7 | a b",
      })
  void badConfigurationIsNamed(String input, int code, String word) {
    CniError error =
        catchThrowableOfType(CniError.class, () -> CniRequest.parse(request("X", "", input)));
    assertThat(error.code()).isEqualTo(code);
    assertThat(error).hasMessageContaining(word);
  }

  @Test
  void argumentsAreReadWhateverTheirCase() throws Exception {
    assertThat(
            CniRequest.parse(request("CNI_ARGS", "IgnoreUnknown=1;ip=10.0.0.1", GOOD)).arguments())
        .containsEntry("IP", "10.0.0.1");
  }
}
