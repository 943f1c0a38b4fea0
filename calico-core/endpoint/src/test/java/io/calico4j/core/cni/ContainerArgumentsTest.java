package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.PluginRequest;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainerArgumentsTest {
  private static CniRequest request(String arguments, String more) throws CniError {
    return CniRequest.parse(
        new PluginRequest(
            "calico",
            Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/c1",
                "CNI_IFNAME", "eth0",
                "CNI_ARGS", arguments),
            "{\"name\":\"net\"" + more.replace('\'', '"') + "}",
            -1));
  }

  private static AttachRequest mapped(String arguments, String more) throws CniError {
    return new PlainCniMapper(request -> "")
        .map(request(arguments, more), new NodeName("host-a"))
        .orElseThrow();
  }

  @Test
  void addressesOfAllThreePlacesAreAssignedOnceAndNoOthers() throws Exception {
    AttachRequest wanted =
        mapped(
            "ip=10.0.0.1,fd00::1",
            ",'args':{'cni':{'ips':['10.0.0.2']}},"
                + "'runtimeConfig':{'ips':['10.0.0.1/24','fd00::2/64']},"
                + "'ipam':{'assign_ipv6':'true'}");
    assertThat(wanted.fixed().stream().map(IpAddress::toString))
        .containsExactly("10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2");
    assertThat(wanted.ipv4Count() + wanted.ipv6Count()).isZero();
  }

  @Test
  void withoutThemTheConfigurationDecides() throws Exception {
    AttachRequest wanted =
        mapped("", ",'ipam':{'assign_ipv6':'true','subnet':'10.1.0.0/16','ipv6_pools':['six']}");
    assertThat(wanted.ipv4Count()).isEqualTo(1);
    assertThat(wanted.ipv6Count()).isEqualTo(1);
    assertThat(wanted.ipv4Pools()).containsExactly("10.1.0.0/16");
    assertThat(wanted.ipv6Pools()).containsExactly("six");
    assertThat(wanted.profiles()).containsExactly(new ProfileName("net"));
    assertThat(wanted.newProfiles()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "MAC=02:00:00:00:00:01 | `` | 02:00:00:00:00:01",
        "MAC=02:00:00:00:00:01 | ,'args':{'cni':{'mac':'02:00:00:00:00:02'}} | 02:00:00:00:00:02",
        "MAC=02:00:00:00:00:01 | ,'args':{'cni':{'mac':'02:00:00:00:00:02'}},"
            + "'runtimeConfig':{'mac':'02:00:00:00:00:03'} | 02:00:00:00:00:03",
      })
  void theNearestMacAddressCounts(String arguments, String more, String mac) throws Exception {
    assertThat(mapped(arguments, more).mac().text()).isEqualTo(mac);
  }

  @Test
  void routesLabelsAndGuardedFeatures() throws Exception {
    AttachRequest wanted =
        mapped(
            "FLOATING_IPS=203.0.113.1;ALLOWED_SOURCE_PREFIXES=10.9.0.0/16",
            ",'allowed_requests':{'floating_ips':['203.0.113.0/29'],"
                + "'source_prefixes':['10.8.0.0/14']},'ipam':{'routes':[{'dst':'10.0.0.0/8','gw':'10.0.0.1'}]},"
                + "'include_default_routes':true,"
                + "'args':{'cni':{'labels':[{'key':'a','value':'b'},{'key':'c.d/e','value':''}]},"
                + "'cni.projectcalico.org':{'floatingIPs':['203.0.113.2']}}");
    assertThat(wanted.floating().stream().map(IpAddress::toString))
        .containsExactly("203.0.113.1", "203.0.113.2");
    assertThat(wanted.allowedSources().stream().map(Cidr::toString)).containsExactly("10.9.0.0/16");
    assertThat(wanted.labels()).isEqualTo(Map.of("a", "b", "c.d/e", ""));
    assertThat(wanted.routes().stream().map(Cidr::toString))
        .containsExactly("10.0.0.0/8", "0.0.0.0/0", "::/0");
  }

  @Test
  void addressesThatNoIpamKeepsAreHeld() throws Exception {
    AttachRequest wanted =
        mapped(
            "",
            ",'feature_control':{'ip_addrs_no_ipam':true},"
                + "'args':{'cni.projectcalico.org':{'ipAddrsNoIpam':['192.0.2.7']}}");
    assertThat(wanted.held().stream().map(IpAddress::toString)).containsExactly("192.0.2.7");
    assertThat(wanted.ipv4Count()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "FOO=1 | `` | 4 | FOO",
        "IgnoreUnknown=0;FOO=1 | `` | 4 | FOO",
        "IgnoreUnknown=perhaps | `` | 4 | perhaps",
        "IP=10.0.0 | `` | 4 | 10.0.0",
        "IP=10.0.0.1, | `` | 4 | is not an address",
        "MAC=ff:ff:ff:ff:ff:ff | `` | 4 | ff:ff",
        "FLOATING_IPS=10.0.0.1 | `` | 7 | floating_ips",
        "FLOATING_IPS=10.0.0.1 | ,'feature_control':{'floating_ips':true} | 7 |"
            + " add \"allowed_requests\": {\"floating_ips\": [\"10.0.0.1/32\"]}",
        "FLOATING_IPS=10.0.0.1 | ,'allowed_requests':{'floating_ips':['10.0.0.2/31']} | 7 |"
            + " CNI_ARGS FLOATING_IPS asks for floating address \"10.0.0.1\"",
        "ALLOWED_SOURCE_PREFIXES=10.0.0.0/8 | `` | 7 |"
            + " {\"source_prefixes\": [\"10.0.0.0/8\"]}",
        "ALLOWED_SOURCE_PREFIXES=10.0.0.0/8 | ,'allowed_requests':{'source_prefixes':['10.0.0.0/9']}"
            + " | 7 | source_prefixes",
        "IP=10.0.0.1 | ,'allowed_requests':{'addresses':['10.0.1.0/24']} | 7 | addresses",
        "`` | ,'allowed_requests':{'adresses':[]} | 7 | did you mean \"addresses\"?",
        "`` | ,'allowed_requests':{'floatingIPs':[]} | 7 | did you mean \"floating_ips\"?",
        "`` | ,'allowed_requests':{'floating_ips':['there']} | 7 | is not a network",
        "`` | ,'allowed_requests':{'profiles':'web'} | 7 | list of strings",
        "`` | ,'allowed_requests':[] | 7 | allowed_requests",
        "`` | ,'args':{'cni':{'labels':[{'key':'projectcalico.org/namespace','value':'ops'}]}} | 7 |"
            + " is reserved",
        "`` | ,'args':{'cni':{'labels':[{'key':'pcns.team','value':'ops'}]}} | 7 | is reserved",
        "`` | ,'args':{'cni':{'labels':[{'key':'pcsa.name','value':'a'}]}} | 7 | is reserved",
        "`` | ,'args':{'cni':{'labels':[{'key':'members.calico4j.io/x'}]}} | 7 | is reserved",
        "`` | ,'allowed_requests':{'label_prefixes':['app']},"
            + "'args':{'cni':{'labels':[{'key':'role','value':'a'}]}} | 7 | label_prefixes",
        "`` | ,'args':{'cni.projectcalico.org':{'ipAddrsNoIpam':['192.0.2.7']}} | 7 |"
            + " ip_addrs_no_ipam",
        "ALLOWED_SOURCE_PREFIXES=10 | `` | 4 |" + " a network",
        "FLOATING_IPS=fd00::1 | ,'allowed_requests':{'floating_ips':['fd00::/64']} | 7 |"
            + " of its family",
        "`` | ,'runtimeConfig':{'ips':'10.0.0.1'} | 7 | ips",
        "`` | ,'runtimeConfig':{'ips':['host']} | 7 | runtimeConfig.ips",
        "`` | ,'runtimeConfig':{'mac':7} | 7 | mac",
        "`` | ,'args':{'cni':{'labels':{}}} | 7 | list of labels",
        "`` | ,'args':{'cni':{'labels':[{'key':'-'}]}} | 7 | label",
        "`` | ,'args':{'cni':{'labels':[{'key':'a','value':'b c'}]}} | 7 | b c",
        "`` | ,'args':7 | 7 | args",
        "`` | ,'ipam':{'routes':[{'dst':'there'}]} | 7 | there",
        "`` | ,'ipam':{'subnet':'there'} | 7 | ipam.subnet",
      })
  void badOnesAreNamed(String arguments, String more, int code, String word) {
    CniError error = catchThrowableOfType(CniError.class, () -> mapped(arguments, more));
    assertThat(error.code()).isEqualTo(code);
    assertThat(error).hasMessageContaining(word);
  }

  @Test
  void aNetworkWhoseNameIsNoProfilesStillGivesAddresses() throws Exception {
    CniRequest request = request("", ",'name':'net-'");
    NodeName node = new NodeName("host-a");
    PlainCniMapper mapper = new PlainCniMapper(any -> "");
    CniError error = catchThrowableOfType(CniError.class, () -> mapper.map(request, node));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining("name \"net-\" cannot be its profile's name");
    assertThat(mapper.mapAddresses(request, node).ipv4Count()).isEqualTo(1);
  }

  @Test
  void aDelReadsNoneOfThem() throws Exception {
    PluginRequest del =
        new PluginRequest(
            "calico",
            Map.of(
                "CNI_COMMAND", "DEL",
                "CNI_CONTAINERID", "c1",
                "CNI_IFNAME", "eth0",
                "CNI_ARGS", "nonsense"),
            "{\"name\":\"net\",\"runtimeConfig\":7}",
            -1);
    assertThat(PlainCniMapper.identity(CniRequest.parse(del), new NodeName("host-a")).handleId())
        .hasToString("net.c1");
  }
}
