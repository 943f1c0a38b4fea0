package io.calico4j.core.datastore.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How etcd's settings are read. */
class EtcdConfigTest {
  private static EtcdConfig read(String joined) {
    String settings = joined.replace(';', '\n');
    Map<String, String> environment = new HashMap<>();
    for (String setting : settings.lines().toList()) {
      int equals = setting.indexOf('=');
      environment.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    return EtcdConfig.fromEnvironment(environment);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "X=1 | http://127.0.0.1:2379",
        "ETCD_ENDPOINTS=http://a:1 | http://a:1",
        "ETCD_ENDPOINTS=http://a:1,http://b:2 | http://a:1,http://b:2",
        "ETCD_ENDPOINTS=a:1,[fd00::1]:2 | http://a:1,http://[fd00::1]:2",
        "ETCD_ENDPOINTS=a:1;ETCD_CA_CERT=x | https://a:1",
        "ETCD_ENDPOINTS=HTTP://a:1/,\t | http://a:1/",
        "ETCD_ENDPOINTS=https://a:1, https://b:2 | https://a:1,https://b:2",
      })
  void endpoints(String settings, String expected) {
    EtcdConfig config = read(settings);
    assertThat(config).hasToString(expected);
    assertThat(config.tls() != null).isEqualTo(expected.startsWith("https"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ETCD_ENDPOINTS=a | write each as http://",
        "ETCD_ENDPOINTS=http://a_b:2379 | http://a_b:2379 names no host",
        "ETCD_ENDPOINTS=http://a:1,https://b:2 | mix http and https",
        "ETCD_ENDPOINTS=http://a:1;ETCD_CERT_FILE=/c;ETCD_KEY_FILE=/k | write https://",
        "ETCD_ENDPOINTS=https://a:1;ETCD_CERT_FILE=/c | set both ETCD_CERT_FILE and ETCD_KEY_FILE",
        "ETCD_ENDPOINTS=https://a:1;ETCD_CERT_FILE=/c;ETCD_CERT=x | ETCD_CERT and ETCD_CERT_FILE",
        "ETCD_ENDPOINTS=http://u:geheim@a:1 | number 1 (…@a:1) has a user or password in it",
        "ETCD_ENDPOINTS=http://b:1,root:geheim@a:1 | number 2 (…@a:1) has a user or password in it",
        "ETCD_ENDPOINTS=http://u:ge@heim@a_b:1 | ETCD_USERNAME and ETCD_PASSWORD",
        "ETCD_ENDPOINTS=http://u:geheim/@a:1;ETCD_CERT_FILE=/c;ETCD_KEY_FILE=/k | has a user",
        "ETCD_DISCOVERY_SRV=example.org | ETCD_DISCOVERY_SRV is not supported",
      })
  void whatCannotBeMeantIsRefused(String settings, String message) {
    assertThatThrownBy(() -> read(settings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("geheim")
        .hasMessageNotContaining("ge@");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ETCD_CA_CERT_FILE=/no/such/file | ETCD_CA_CERT_FILE \"/no/such/file\" cannot be read",
        "ETCD_CA_CERT=nonsense | ETCD_CA_CERT",
        "ETCD_CERT=x;ETCD_KEY=nonsense | ETCD_KEY has no PEM private key",
      })
  void aCertificateThatCannotBeUsedIsNamed(String settings, String message) {
    EtcdConfig config = read("ETCD_ENDPOINTS=https://127.0.0.1:1;" + settings);
    assertThatThrownBy(() -> EtcdDatastore.connect(config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aPasswordAloneIsNotUsedAndNoSecretIsPrinted() {
    assertThat(read("ETCD_PASSWORD=p").password()).isNull();
    EtcdConfig config = read("ETCD_USERNAME=u;ETCD_PASSWORD=geheim");
    assertThat(config.user()).isEqualTo("u");
    assertThat(config.toString()).doesNotContain("geheim");
    assertThat(String.valueOf(read("ETCD_ENDPOINTS=https://a:1;ETCD_CERT=c;ETCD_KEY=geheim").tls()))
        .doesNotContain("geheim");
  }
}
