package io.calico4j.core.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Address text in and out. */
class IpAddressTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.1,10.0.0.1",
    "FD00:0:0:1::5,fd00:0:0:1::5",
    "::,::",
    "1:0:0:2:0:0:0:3,1:0:0:2::3",
    "::ffff:1.2.3.4,::ffff:102:304"
  })
  void printsCanonicalText(String given, String canonical) {
    assertThat(IpAddress.parse(given)).hasToString(canonical);
    assertThat(IpAddress.ofBytes(IpAddress.parse(given).toBytes())).hasToString(canonical);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "1.2.3", "01.2.3.4", "256.1.1.1", "localhost", "1.2.3.4 ", ":", "g::"})
  void refusesWhatIsNoAddress(String text) {
    assertThat(IpAddress.tryParse(text)).isEmpty();
  }
}
