package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A container with several interfaces: each has its network's policy, and packets of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SeveralInterfacesIT {
  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
    host.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:66::/64"}
        """);
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  private static String network(String name, int families) {
    return "{'cniVersion':'0.4.0','name':'%s','type':'calico','ipam':{'type':'calico-ipam',%s}}"
        .formatted(name, families == 6 ? "'assign_ipv6':'true'" : "'assign_ipv6':'false'");
  }

  private static Map<String, String> on(String interfaceName) {
    return Map.of("CNI_IFNAME", interfaceName);
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 6})
  void packetsGoThroughEachOfThem(int families) throws Exception {
    String suffix = "-" + families;
    String red = network("red" + suffix, families);
    String blue = network("blue" + suffix, families);
    Namespace both = host.sandbox("both" + suffix);
    Namespace inRed = host.sandbox("red" + suffix);
    Namespace inBlue = host.sandbox("blue" + suffix);
    int last = families == 6 ? 1 : 0;
    String bothRed = host.add(both, on("eth0"), red).address(last);
    String bothBlue = host.add(both, on("eth1"), blue).address(last);
    String peerRed = host.add(inRed, Map.of(), red).address(last);
    String peerBlue = host.add(inBlue, Map.of(), blue).address(last);

    assertThat(PacketProbe.ping(inRed, bothRed)).as("red to its interface").isTrue();
    assertThat(PacketProbe.ping(inBlue, bothBlue)).as("blue to its interface").isTrue();
    assertThat(PacketProbe.ping(inRed, bothBlue)).as("red to blue's interface").isFalse();
    assertThat(PacketProbe.ping(inBlue, bothRed)).as("blue to red's interface").isFalse();
    assertThat(PacketProbe.pingFrom(both, bothRed, peerRed)).as("from red's address").isTrue();
    assertThat(PacketProbe.pingFrom(both, bothBlue, peerBlue)).as("from blue's address").isTrue();
    assertThat(PacketProbe.pingFrom(both, "eth1", peerBlue)).as("bound to eth1").isTrue();
    assertThat(PacketProbe.pingFrom(both, bothBlue, peerRed)).isFalse();
    assertThat(PacketProbe.pingFrom(both, bothRed, peerBlue)).isFalse();

    host.delete(both, on("eth0"), red);
    // The link is out of service when DEL answers, and goes in a group soon after.
    Await.until("eth0 has gone", 5, () -> !both.ip("link").contains("eth0@"));
    assertThat(PacketProbe.ping(inBlue, bothBlue)).as("eth1 goes on alone").isTrue();
    assertThat(PacketProbe.ping(both, peerBlue)).as("and leads everywhere now").isTrue();
    host.delete(both, on("eth1"), blue);
    host.delete(inRed, Map.of(), red);
    host.delete(inBlue, Map.of(), blue);
    host.mustBeEmpty();
  }

  @Test
  void oneNetworkMayBeJoinedTwice() throws Exception {
    String net = network("twice", 4);
    Namespace pod = host.sandbox("pod");
    Namespace peer = host.sandbox("peer");
    String first = host.add(pod, on("eth0"), net).address(0);
    String second = host.add(pod, on("eth1"), net).address(0);
    assertThat(host.add(peer, Map.of(), net).address(0)).isNotEmpty();
    assertThat(second).isNotEqualTo(first);
    assertThat(host.add(pod, on("eth1"), net).address(0)).as("a repeated ADD").isEqualTo(second);
    assertThat(PacketProbe.ping(peer, first)).isTrue();
    assertThat(PacketProbe.ping(peer, second)).isTrue();

    host.delete(pod, on("eth1"), net);
    assertThat(PacketProbe.ping(peer, first)).isTrue();
    assertThat(PacketProbe.ping(peer, second)).isFalse();
    assertThat(holders(first)).contains("twice.pod-pod");
    assertThat(holders(second)).doesNotContain("twice.pod-pod");
    host.delete(pod, on("eth0"), net);
    host.delete(peer, Map.of(), net);
    host.mustBeEmpty();
  }

  private String holders(String address) throws IOException {
    return host.test().calicoctl("", "ipam", "show", "--ip=" + address).output();
  }
}
