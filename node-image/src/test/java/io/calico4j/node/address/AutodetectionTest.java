package io.calico4j.node.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which address is taken among those of a host. */
class AutodetectionTest {
  private static final Settings TABLE = new Settings("node", NodeAddresses.SETTINGS);

  /** Reads {@code eth0 192.0.2.1/24, -eth1 …}; a minus stands before what is down. */
  private static List<HostAddress> host(String text) {
    List<HostAddress> host = new ArrayList<>();
    for (String each : text.split(", ", -1)) {
      String[] parts = each.split("[ /]", -1);
      boolean up = !parts[0].startsWith("-");
      host.add(
          new HostAddress(
              up ? parts[0] : parts[0].substring(1),
              up,
              IpAddress.parse(parts[1]),
              Integer.parseInt(parts[2])));
    }
    return host;
  }

  private static String found(Map<String, String> variables, String host) {
    NodeAddresses addresses =
        NodeAddresses.find(
            TABLE.read(variables),
            host(host),
            (destination, family) ->
                Optional.of(IpAddress.parse(family == IpFamily.IPV4 ? "198.51.100.2" : "fd00::2"))
                    .filter(address -> destination.equals("router")));
    return addresses.ipv4().text() + addresses.ipv6().map(v6 -> " " + v6.text()).orElse("");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "first-found | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 192.0.2.1/24",
        "first-found | lo 127.0.0.1/8, br-d710e33f6c1a 172.18.0.1/16, eth0 192.0.2.1/24 |"
            + " 192.0.2.1/24",
        "first-found | docker0 172.17.0.1/16, cni0 10.88.0.1/16, kube-ipvs0 10.96.0.1/32,"
            + " nodelocaldns 169.254.20.10/32, vxlan.calico 10.65.0.1/32, eth0 192.0.2.1/24 |"
            + " 192.0.2.1/24",
        "first-found | eth0 192.0.2.100/32, eth0 192.0.2.1/24 | 192.0.2.1/24",
        "first-found | eth0 192.0.2.100/32, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "first-found | eth0 192.0.2.100/32 | 192.0.2.100/32",
        "first-found | -eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "first-found | eth0 169.254.1.1/16, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "interface=eth1 | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "interface=docker.* | eth0 192.0.2.1/24, docker0 172.17.0.1/16 | 172.17.0.1/16",
        "'interface=eth1,eth0' | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "skip-interface=eth0 | eth0 192.0.2.1/24, br-1 172.18.0.1/16, eth1 198.51.100.2/24 |"
            + " 198.51.100.2/24",
        "can-reach=router | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "cidr=198.51.100.0/24 | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 198.51.100.2/24",
        "'cidr=10.0.0.0/8,192.0.2.0/24' | eth0 192.0.2.1/24, eth1 198.51.100.2/24 | 192.0.2.1/24",
      })
  void theMethodDecides(String method, String host, String expected) {
    assertThat(found(Map.of("IP_AUTODETECTION_METHOD", method), host)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "192.0.2.1 | '' | 192.0.2.1/24",
        "192.0.2.1/32 | '' | 192.0.2.1/32",
        "autodetect | autodetect | 192.0.2.1/24 fd00::1/64",
        "autodetect | fd00::9 | 192.0.2.1/24 fd00::9/128",
        "autodetect | none | 192.0.2.1/24",
      })
  void aGivenAddressIsTaken(String ip, String ip6, String expected) {
    Map<String, String> variables = Map.of("IP", ip, "IP6", ip6);
    assertThat(
            found(variables, "eth0 192.0.2.1/24, eth0 fe80::1/64, eth0 fd00::1/64, lo fd00::9/128"))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "IP | 192.0.2.9 | 'IP \"192.0.2.9\" is no address of this host: give autodetect, or one of"
            + " 192.0.2.1/24 (eth0), 198.51.100.1/24 (eth1, down)'",
        "IP_AUTODETECTION_METHOD | interface=eth7 | 'no address is found by IP_AUTODETECTION_METHOD"
            + " among 192.0.2.1/24 (eth0), 198.51.100.1/24 (eth1, down): set IP or"
            + " IP_AUTODETECTION_METHOD'",
        "IP_AUTODETECTION_METHOD | can-reach=nowhere | 'no address is found by"
            + " IP_AUTODETECTION_METHOD among 192.0.2.1/24 (eth0), 198.51.100.1/24 (eth1, down):"
            + " set IP or IP_AUTODETECTION_METHOD'",
        "IP6 | autodetect | 'no address is found by IP6_AUTODETECTION_METHOD among no address at"
            + " all: set IP6 or IP6_AUTODETECTION_METHOD'",
      })
  void whatIsNotFoundIsSaidWithWhatThereIs(String variable, String value, String message) {
    assertThatThrownBy(
            () -> found(Map.of(variable, value), "eth0 192.0.2.1/24, -eth1 198.51.100.1/24"))
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource({"kubernetes-internal-ip", "interface=", "interface=(", "cidr=10.0.0.0/33", "best"})
  void aMethodThatIsNoneIsRefused(String method) {
    assertThat(Autodetection.parse(method)).isEmpty();
  }
}
