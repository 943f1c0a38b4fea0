package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each option has a row: what is stored, and the golden file {@code golden/ROW.cfg} with node a's
 * whole configuration, which the installed bird accepts. {@code -Dcalico.golden.write=true} writes
 * the files anew; the difference is then to be read.
 */
class GoldenConfigTest {
  private static final Path GOLDEN = Path.of("src/test/resources/io/calico4j/node/bird/golden");
  private static final Map<String, StoredCluster> ROWS = new LinkedHashMap<>();

  private static final String TOR = "'peerIP':'192.0.2.9','asNumber':65001";
  private static final String MESH_OFF = "{'nodeToNodeMeshEnabled':false}";
  private static final String SECRET = "{'secretKeyRef':{'name':'bgp','key':'tor'}}";

  private static StoredCluster row(String name) {
    return row(name, StoredCluster.ofThree());
  }

  private static StoredCluster row(String name, StoredCluster cluster) {
    ROWS.put(name, cluster);
    return cluster;
  }

  /** A row whose only session is with a router that a BGPPeer names. */
  private static StoredCluster tor(String name, String options) {
    return row(name).configuration(MESH_OFF).peer("tor", "{" + TOR + "," + options + "}");
  }

  private static void filter(String name, String spec) {
    tor(name, "'filters':['f']").filter("f", spec);
  }

  static {
    mesh();
    peers();
    options();
    filters();
    routes();
    node();
  }

  private static void mesh() {
    row("mesh");
    row("mesh-off").configuration(MESH_OFF);
    row("mesh-both-families", StoredCluster.ofBothFamilies())
        .pool("four", "{'cidr':'10.65.0.0/16'}")
        .pool("six", "{'cidr':'fd00:65::/48'}")
        .block("a", "ipv4", "10.65.1.0-26")
        .block("a", "ipv6", "fd00:65::40-122");
    row("mesh-ipv6-alone", new StoredCluster())
        .node("a", "{}", "{'ipv6Address':'2001:db8::11/64'}")
        .node("b", "{}", "{'ipv6Address':'2001:db8::12/64'}");
    row("mesh-password")
        .configuration("{'nodeMeshPassword':" + SECRET + "}")
        .secret("bgp/tor", "between us");
    row("mesh-password-missing").configuration("{'nodeMeshPassword':" + SECRET + "}");
    row("mesh-restart-time").configuration("{'nodeMeshMaxRestartTime':'3m20s'}");
    row("as-of-cluster").configuration("{'asNumber':'1.10'}");
    row("as-of-node").node("a", "{}", "{'ipv4Address':'192.0.2.11/24','asNumber':4200000001}");
  }

  private static void peers() {
    row("peer-everywhere").peer("tor", "{" + TOR + "}");
    row("peer-of-node")
        .peer("tor", "{'node':'a'," + TOR + "}")
        .peer("no", "{'node':'b'," + TOR + "}");
    row("peer-of-selected-nodes")
        .peer("rack1", "{'nodeSelector':'has(rack)'," + TOR + "}")
        .peer("rack2", "{'nodeSelector':'has(none)','peerIP':'192.0.2.10','asNumber':65001}");
    row("peer-everywhere-before-peer-of-node")
        .peer("a-node", "{'node':'a','peerIP':'192.0.2.9','asNumber':65002}")
        .peer("b-global", "{" + TOR + "}");
    row("peer-port").peer("tor", "{'peerIP':'192.0.2.9:1790','asNumber':65001}");
    row("peer-ipv6", StoredCluster.ofBothFamilies())
        .configuration(MESH_OFF)
        .peer("four", "{" + TOR + "}")
        .peer("six", "{'peerIP':'2001:db8::9','asNumber':65001}")
        .peer("port", "{'peerIP':'[2001:db8::8]:1790','asNumber':65001}");
    row("peer-selector", StoredCluster.ofBothFamilies())
        .configuration(MESH_OFF)
        .peer("b", "{'peerSelector':'has(b)'}");
    row("peer-selector-back", StoredCluster.ofBothFamilies())
        .configuration(MESH_OFF)
        .peer("a", "{'node':'b','peerSelector':'!has(b)'}");
    row("peer-selector-not-back", StoredCluster.ofBothFamilies())
        .configuration(MESH_OFF)
        .peer("a", "{'node':'b','peerSelector':'!has(b)','reversePeering':'Manual'}");
    row("peer-address-back")
        .configuration(MESH_OFF)
        .peer("a", "{'node':'c','peerIP':'192.0.2.11','asNumber':64512}");
    row("peer-port-of-node")
        .configuration(MESH_OFF)
        .configuration("node.b", "{'listenPort':1790}")
        .peer("b", "{'node':'a','peerSelector':'has(rack)'}");
    row("local-workloads")
        .configuration(MESH_OFF)
        .peer("w", "{'localWorkloadSelector':'has(speaks)','asNumber':65010,'localASNumber':65011}")
        .workload("one", Map.of("speaks", "bgp"), "10.65.1.7")
        .workload("two", Map.of(), "10.65.1.8");
    row("reflector")
        .node(
            "a",
            "{'rr':''}",
            "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'244.0.0.1'}")
        .peer("reflectors", "{'nodeSelector':'!has(rr)','peerSelector':'has(rr)'}");
    row("reflector-of-same-cluster")
        .node(
            "a",
            "{'rr':''}",
            "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'244.0.0.1'}")
        .node(
            "c",
            "{'rr':''}",
            "{'ipv4Address':'192.0.2.13/24','routeReflectorClusterID':'244.0.0.1'}")
        .peer("reflectors", "{'nodeSelector':'has(rr)','peerSelector':'has(rr)'}");
    row("reflector-of-address")
        .node(
            "a",
            "{'rr':''}",
            "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'244.0.0.1'}")
        .peer("client", "{'node':'a','peerIP':'192.0.2.99','asNumber':64512}");
    row("reflected")
        .configuration(MESH_OFF)
        .node(
            "c",
            "{'rr':''}",
            "{'ipv4Address':'192.0.2.13/24','routeReflectorClusterID':'244.0.0.1'}")
        .peer("reflectors", "{'nodeSelector':'!has(rr)','peerSelector':'has(rr)'}");
  }

  private static void options() {
    tor("next-hop-kept", "'keepOriginalNextHop':true");
    row("next-hop-kept-for-external-peers-alone")
        .configuration(MESH_OFF)
        .peer("internal", "{'peerIP':'192.0.2.9','asNumber':64512,'keepOriginalNextHop':true}");
    tor("next-hop-mode-self", "'nextHopMode':'Self'");
    tor("next-hop-mode-keep", "'nextHopMode':'Keep'");
    tor("next-hop-mode-auto", "'nextHopMode':'Auto'");
    tor("password", "'password':" + SECRET).secret("bgp/tor", "between 'us' \\ {#}");
    tor("password-missing", "'password':" + SECRET);
    tor("source-address-none", "'sourceAddress':'None'");
    tor("source-address-of-node", "'sourceAddress':'UseNodeIP'");
    tor("restart-time", "'maxRestartTime':'1m29.6s'");
    tor("keepalive-time", "'keepaliveTime':'20s'");
    tor("keepalive-time-longer-than-hold-time", "'keepaliveTime':'2m'");
    tor("local-as", "'localASNumber':65100");
    row("local-as-of-nodes")
        .configuration(MESH_OFF)
        .peer("b", "{'node':'b','peerSelector':'has(rack)','localASNumber':65100}");
    tor("own-as-allowed", "'numAllowedLocalASNumbers':2");
    tor("ttl-security", "'ttlSecurity':1");
    tor("reachable-by", "'reachableBy':'192.0.2.254'");
  }

  private static void filters() {
    filter("filter-export", "{'exportV4':[{'action':'Reject'}]}");
    filter("filter-import", "{'importV4':[{'action':'Accept'}]}");
    filter("filter-of-other-family", "{'importV6':[{'action':'Reject'}]}");
    row("filter-ipv6", StoredCluster.ofBothFamilies())
        .configuration(MESH_OFF)
        .peer("six", "{'peerIP':'2001:db8::9','asNumber':65001,'filters':['f']}")
        .filter(
            "f",
            "{'importV6':[{'action':'Reject','cidr':'fd00::/8','matchOperator':'NotIn'}],"
                + "'exportV6':[{'action':'Accept','cidr':'fd00::/8','matchOperator':'In',"
                + "'prefixLength':{'min':122,'max':128}}]}");
    for (String operator : new String[] {"Equal", "NotEqual", "In", "NotIn"}) {
      String match = "'cidr':'10.65.0.0/16','matchOperator':'" + operator + "'";
      filter(
          "filter-operator-" + operator,
          "{'exportV4':[{'action':'Reject',"
              + match
              + "},{'action':'Accept',"
              + match
              + ",'prefixLength':{'min':24,'max':26}},{'action':'Reject',"
              + match
              + ",'prefixLength':{'min':26,'max':24}}]}");
    }
    filter("filter-source", "{'exportV4':[{'action':'Reject','source':'RemotePeers'}]}");
    filter("filter-interface", "{'exportV4':[{'action':'Reject','interface':'*.calico'}]}");
    filter(
        "filter-peer-type",
        "{'exportV4':[{'action':'Reject','peerType':'eBGP'},{'action':'Accept','peerType':'iBGP'}]}");
    filter(
        "filter-communities",
        "{'importV4':[{'action':'Accept','communities':{'values':['65000:100']}},"
            + "{'action':'Reject','communities':{'values':['65000:100:4294967295']}}]}");
    filter(
        "filter-as-path",
        "{'importV4':[{'action':'Reject','asPathPrefix':[65001]},"
            + "{'action':'Accept','asPathPrefix':[65001,'1.10']}]}");
    filter("filter-priority", "{'exportV4':[{'action':'Reject','priority':512}]}");
    filter(
        "filter-operations",
        "{'exportV4':[{'action':'Accept','operations':[{'addCommunity':{'value':'1:2'}},"
            + "{'addCommunity':{'value':'1:2:3'}},{'prependASPath':{'prefix':[65000,65001]}},"
            + "{'setPriority':{'value':512}}]}],"
            + "'importV4':[{'action':'Accept','operations':[{'setPriority':{'value':100}}]}]}");
    String one = "filter-with-a-name-that-is-longer-than-bird-takes-for-one-of-its-functions.one";
    String two = "filter-with-a-name-that-is-longer-than-bird-takes-for-one-of-its-functions.two";
    tor("filter-long-names", "'filters':['" + one + "','" + two + "']")
        .filter(one, "{'exportV4':[{'action':'Reject'}],'importV4':[{'action':'Reject'}]}")
        .filter(two, "{'exportV4':[{'action':'Accept'}]}");
    tor("filter-order", "'filters':['z','a','z']")
        .filter("a", "{'exportV4':[{'action':'Accept'}]}")
        .filter("z", "{'exportV4':[{'action':'Reject','source':'RemotePeers'}]}")
        .filter("unused", "{'exportV4':[{'action':'Reject'}]}");
    tor("filter-missing", "'filters':['nowhere']");
    filter("filter-unreadable", "{'exportV4':[{'action':'Perhaps'}]}");
  }

  private static void routes() {
    row("blocks")
        .pool("open", "{'cidr':'10.65.0.0/16'}")
        .block("a", "ipv4", "10.65.1.0-26")
        .block("a", "ipv4", "10.65.9.9-32")
        .block("b", "ipv4", "10.65.2.0-26")
        .put("/calico/ipam/v2/host/a/ipv4/block/10.65.3.0-26", "{'state':'pending'}");
    row("pool-not-exported")
        .pool("open", "{'cidr':'10.65.0.0/16'}")
        .pool("hidden", "{'cidr':'10.66.0.0/16','disableBGPExport':true}");
    row("pools-with-encapsulation")
        .pool("plain", "{'cidr':'10.65.0.0/16'}")
        .pool("ipip", "{'cidr':'10.66.0.0/16','ipipMode':'Always'}")
        .pool("ipip-cross-subnet", "{'cidr':'10.67.0.0/16','ipipMode':'CrossSubnet'}")
        .pool("vxlan", "{'cidr':'10.68.0.0/16','vxlanMode':'Always'}")
        .pool("vxlan-cross-subnet", "{'cidr':'10.69.0.0/16','vxlanMode':'CrossSubnet'}");
    row("cluster-routes-not-programmed")
        .configuration("{'programClusterRoutes':'Disabled'}")
        .pool("plain", "{'cidr':'10.65.0.0/16'}")
        .block("a", "ipv4", "10.65.1.0-26");
    String services =
        "'serviceClusterIPs':[{'cidr':'10.96.0.0/12'},{'cidr':'fd00:96::/112'}],"
            + "'serviceExternalIPs':[{'cidr':'203.0.113.0/28'}],"
            + "'serviceLoadBalancerIPs':[{'cidr':'203.0.113.16/28'}]";
    row("services", StoredCluster.ofBothFamilies()).configuration("{" + services + "}");
    row("services-not-aggregated")
        .configuration("{" + services + ",'serviceLoadBalancerAggregation':'Disabled'}");
    row("services-of-reflector")
        .node("a", "{}", "{'ipv4Address':'192.0.2.11/24','routeReflectorClusterID':'244.0.0.1'}")
        .configuration("{" + services + ",'serviceLoadBalancerAggregation':'Disabled'}");
    String tagged =
        "{'communities':[{'name':'large','value':'64512:300:100'}],'prefixAdvertisements':["
            + "{'cidr':'10.65.0.0/16','communities':['large','64512:120']},"
            + "{'cidr':'fd00:65::/48','communities':['64512:121']}]}";
    row("communities", StoredCluster.ofBothFamilies()).configuration(tagged);
    row("communities-of-node")
        .configuration(tagged)
        .configuration(
            "node.a", "{'prefixAdvertisements':[{'cidr':'10.0.0.0/8','communities':['1:2']}]}");
    row("route-priority", StoredCluster.ofBothFamilies())
        .configuration("{'ipv4NormalRoutePriority':2048,'ipv6NormalRoutePriority':4096}");
  }

  private static void node() {
    row("ignored-interfaces").configuration("{'ignoredInterfaces':['vmnet*','eth9']}");
    row("listen-port").configuration("{'listenPort':1790}");
    row("listen-port-of-node")
        .configuration("{'listenPort':1790}")
        .configuration("node.a", "{'listenPort':1791}")
        .configuration("node.c", "{'listenPort':1793}");
    row("bind-mode-node-ip", StoredCluster.ofBothFamilies())
        .configuration("{'bindMode':'NodeIP'}")
        .peer("tor", "{" + TOR + ",'sourceAddress':'None'}");
    row("bind-mode-none").configuration("{'bindMode':'None'}");
    for (String level : new String[] {"Trace", "Debug", "Info", "Warning", "Error", "Fatal"}) {
      row("log-" + level).configuration("{'logSeverityScreen':'" + level + "'}");
    }
    row("log-of-node")
        .configuration("{'logSeverityScreen':'Debug'}")
        .configuration("node.a", "{'logSeverityScreen':'Error'}");
    row("router-id-given").routerId("203.0.113.77");
    row("router-id-hash").routerId("hash");
  }

  @TempDir private Path directory;

  static Stream<String> rows() {
    return ROWS.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowGivesItsGoldenFileAndBirdAcceptsIt(String name) throws Exception {
    String text = ROWS.get(name).render("a");
    Path golden = GOLDEN.resolve(name + ".cfg");
    if (Boolean.getBoolean("calico.golden.write")) {
      Files.createDirectories(GOLDEN);
      Files.writeString(golden, text);
    }
    assertThat(text).isEqualTo(Files.readString(golden));
    Path file = directory.resolve("bird.cfg");
    Files.writeString(file, text);
    Process bird =
        new ProcessBuilder("/usr/sbin/bird", "-p", "-c", file.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(bird.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bird.waitFor()).as(output + text).isZero();
  }

  @Test
  void eachGoldenFileHasARow() throws Exception {
    try (Stream<Path> files = Files.list(GOLDEN)) {
      Set<String> names =
          files
              .map(file -> file.getFileName().toString().replaceFirst("\\.cfg$", ""))
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(names).isEqualTo(new TreeSet<>(ROWS.keySet()));
    }
  }
}
