package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.testing.DamagedValues;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged nodes, peers, pools and configurations leave themselves out of BIRD's view. */
class DamagedViewTest {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  private final StoredCluster cluster =
      new StoredCluster()
          .node("a", "{}", "{'ipv4Address':'192.0.2.11/24'}")
          .node("b", "{}", "{'ipv4Address':'192.0.2.12/24'}")
          .pool("pool", "{'cidr':'10.65.0.0/16'}")
          .block("a", "ipv4", "10.65.0.0-26");

  @TempDir private Path directory;

  static java.util.List<ResourceKind<?>> kinds() {
    return DamagedValues.kinds();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsDamagedLeavesItselfOut(ResourceKind<?> kind) {
    for (Entry entry : DamagedValues.of(kind, "d")) {
      cluster.put(entry);
      assertThat(cluster.render("a")).as(entry.value()).contains("192.0.2.12", "10.65.0.0/26");
      cluster.remove(entry.key());
    }
  }

  @Test
  void aKeyThatNamesNoBlockIsLeftOut() {
    String before = cluster.render("a");
    cluster.put("/calico/ipam/v2/host/a/ipv4/block/nonsense", "{}");
    cluster.put("/calico/ipam/v2/host/a/ipv4/block/10.65.0.7-26", "{}");
    assertThat(cluster.render("a")).isEqualTo(before);
  }

  /** What can be read but what bird would refuse, and with it the whole configuration. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "bgppeers | 'peerIP':'203.0.113.1:99999','asNumber':64500",
        "bgppeers | 'peerIP':'203.0.113.1:0','asNumber':64500",
        "bgppeers | 'peerIP':'203.0.113.1:','asNumber':64500",
        "bgppeers | 'peerIP':'[2001:db8::1]:99999','asNumber':64500",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':0",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':64500,'localASNumber':0",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':64500,'ttlSecurity':256",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':64500,'numAllowedLocalASNumbers':-1",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':64500,'keepaliveTime':'soon'",
        "bgppeers | 'peerIP':'203.0.113.1','asNumber':64500,'nextHopMode':'Forget'",
        "nodes | 'bgp':{'ipv4Address':'192.0.2.13/24','asNumber':0}",
      })
  void whatBirdWouldRefuseIsLeftOut(String kind, String spec) {
    String before = cluster.render("a");
    cluster.put(ROOT + kind + "/third", "{'metadata':{'name':'third'},'spec':{" + spec + "}}");
    assertThat(cluster.render("a")).isEqualTo(before);
  }

  /** Of the kinds that bird's configuration is made of, as the cluster's or this node's own. */
  @ParameterizedTest
  @CsvSource({"bgppeers,d", "bgpfilters,d", "bgpconfigurations,default", "nodes,d", "ippools,d"})
  void whatIsLeftBirdAccepts(String plural, String name) throws Exception {
    cluster
        .peer("tor", "{'peerIP':'192.0.2.9','asNumber':64513,'filters':['d']}")
        .secret("s/k", "password");
    ResourceKind<?> kind = ResourceKind.find(plural).orElseThrow();
    Set<String> texts = new TreeSet<>();
    for (Entry entry : DamagedValues.of(kind, "d")) {
      String key = kind.prefix() + name;
      String number = entry.key().substring(kind.prefix().length());
      String value = entry.value().replace("\"" + number + "\"", "\"" + name + "\"");
      cluster.put(new Entry(key, value, 7));
      try {
        texts.add(cluster.render("a"));
      } catch (IllegalArgumentException e) {
        assertThat(plural).as(e.toString()).isEqualTo("bgpconfigurations");
      }
    }
    assertThat(texts).isNotEmpty();
    for (String text : texts) {
      Path file = directory.resolve("bird.cfg");
      Files.writeString(file, text);
      Process bird =
          new ProcessBuilder("/usr/sbin/bird", "-p", "-c", file.toString())
              .redirectErrorStream(true)
              .start();
      String output = new String(bird.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(bird.waitFor()).as(output + text).isZero();
    }
  }

  @Test
  void aDamagedFilterLetsNothingThrough() {
    cluster
        .peer("tor", "{'peerIP':'192.0.2.9','asNumber':64513,'filters':['f']}")
        .put(ROOT + "bgpfilters/f", "{");
    assertThat(cluster.render("a"))
        .contains(
            "'bgp_f_importFilterV4'(bool same_as) {\n  # The BGPFilter cannot be read.\n  reject;");
    assertThat(cluster.notes())
        .containsExactly("BGPFilter f cannot be read: BGPPeer tor exchanges no routes");
  }

  /** With defaults instead, the AS number and the mesh would be others. */
  @Test
  void aDamagedConfigurationOfTheClusterIsNotReplacedByDefaults() {
    cluster.put(ROOT + "bgpconfigurations/default", "{'metadata':7}");
    assertThatThrownBy(() -> cluster.find("a"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bgpconfigurations/default cannot be read");
  }
}
