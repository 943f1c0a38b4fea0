package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.testing.DamagedValues;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged nodes, peers, pools and configurations leave themselves out of BIRD's view. */
class DamagedViewTest {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  private final SortedMap<String, Entry> entries = new TreeMap<>();

  static java.util.List<ResourceKind<?>> kinds() {
    return DamagedValues.kinds();
  }

  private void put(String key, String json) {
    entries.put(key, new Entry(key, json.replace('\'', '"'), 7));
  }

  private String render() {
    return BirdConfigRenderer.render(
        new BgpViewBuilder(new NodeName("here"), entries).build().orElseThrow());
  }

  private void goodCluster() {
    for (int i = 1; i <= 2; i++) {
      String name = i == 1 ? "here" : "there";
      put(
          ROOT + "nodes/" + name,
          "{'metadata':{'name':'"
              + name
              + "'},'spec':{'bgp':{'ipv4Address':'192.0.2.1"
              + i
              + "/24'}}}");
    }
    put(ROOT + "ippools/pool", "{'metadata':{'name':'pool'},'spec':{'cidr':'10.65.0.0/16'}}");
    put("/calico/ipam/v2/host/here/ipv4/block/10.65.0.0-26", "{'state':'confirmed'}");
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsDamagedLeavesItselfOut(ResourceKind<?> kind) {
    goodCluster();
    for (Entry entry : DamagedValues.of(kind, "d")) {
      entries.put(entry.key(), entry);
      assertThat(render()).as(entry.value()).contains("192.0.2.12", "10.65.0.0/26");
      entries.remove(entry.key());
    }
  }

  @Test
  void aKeyThatNamesNoBlockIsLeftOut() {
    goodCluster();
    String before = render();
    put("/calico/ipam/v2/host/here/ipv4/block/nonsense", "{}");
    put("/calico/ipam/v2/host/here/ipv4/block/10.65.0.7-26", "{}");
    assertThat(render()).isEqualTo(before);
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
        "nodes | 'bgp':{'ipv4Address':'192.0.2.13/24','asNumber':0}",
      })
  void whatBirdWouldRefuseIsLeftOut(String kind, String spec) {
    goodCluster();
    String before = render();
    put(ROOT + kind + "/third", "{'metadata':{'name':'third'},'spec':{" + spec + "}}");
    assertThat(render()).isEqualTo(before);
  }
}
