package io.calico4j.felix;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.Link;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.status.EndpointStatus;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What is reported of endpoints, and whose peers they are. */
class EndpointStatusesTest {
  private static final String WORKLOAD = "/calico/felix/v2/no-region/host/here/workload/";
  private static final String HOST = "/calico/felix/v1/host/here/endpoint/";

  private final Calculation calculation =
      new Calculation("here", ValidationFilter.silent(), Set.of());

  private void put(ResourceKind<?> kind, String namespace, String name, String rest) {
    String key = kind.prefix() + (namespace.isEmpty() ? "" : namespace + "/") + name;
    String json =
        """
        {"apiVersion":"projectcalico.org/v3","kind":"%s",
         "metadata":{"name":"%s"%s},"spec":%s}
        """
            .formatted(
                kind.kind(),
                name,
                namespace.isEmpty() ? "" : ",\"namespace\":\"" + namespace + "\"",
                rest);
    boolean unused = calculation.update(key, new Entry(key, json, 1));
  }

  private void workload(String name, String interfaceName, String profiles) {
    put(
        ResourceKind.WORKLOAD_ENDPOINT,
        "default",
        "here-cni-" + name + "-eth0",
        """
        {"node":"here","orchestrator":"cni","workload":"%s","endpoint":"eth0",
         "interfaceName":"%s","ipNetworks":["10.65.0.2/32"],"profiles":[%s]}
        """
            .formatted(name, interfaceName, profiles));
  }

  private void host(String name, String spec) {
    put(ResourceKind.HOST_ENDPOINT, "", name, "{\"node\":\"here\"," + spec + "}");
  }

  private static Link link(String name, boolean up, int group) {
    return new Link(7, name, "veth", up, 1500, null, group);
  }

  private Map<String, String> statuses(Link... links) {
    var unused = calculation.flush();
    Set<String> programmed =
        Set.copyOf(
            calculation.localEndpoints().keySet().stream()
                .filter(key -> !key.contains("late"))
                .toList());
    Map<String, EndpointStatus> statuses =
        new EndpointStatuses(
                List.copyOf(calculation.localEndpoints().values()),
                programmed,
                calculation.hostEndpoints(),
                Map.of())
            .now("here", List.of(links));
    Map<String, String> byName = new TreeMap<>();
    statuses.forEach(
        (key, status) -> byName.put(key.replace(WORKLOAD, "").replace(HOST, ""), status.name()));
    return byName;
  }

  @Test
  void aWorkloadIsUpWhenItsRulesAndItsInterfaceAre() {
    workload("web", "cali1", "");
    workload("down", "cali2", "");
    workload("leaving", "cali3", "");
    workload("late", "cali4", "");
    workload("gone", "cali5", "");
    assertThat(
            statuses(
                link("cali1", true, 0),
                link("cali2", false, 0),
                link("cali3", true, 9),
                link("cali4", true, 0)))
        .isEqualTo(
            Map.of(
                "cni/default%2fweb/endpoint/eth0", "UP",
                "cni/default%2fdown/endpoint/eth0", "DOWN",
                "cni/default%2fleaving/endpoint/eth0", "DOWN",
                "cni/default%2flate/endpoint/eth0", "DOWN",
                "cni/default%2fgone/endpoint/eth0", "DOWN"));
  }

  @Test
  void aHostEndpointWithoutInterfaceIsAnError() {
    host("up", "\"interfaceName\":\"eth0\"");
    host("down", "\"interfaceName\":\"eth1\"");
    host("missing", "\"interfaceName\":\"eth9\"");
    host("zz-second", "\"interfaceName\":\"eth0\"");
    host("by-address", "\"expectedIPs\":[\"192.0.2.1\",\"192.0.2.2\"]");
    host("no-address", "\"expectedIPs\":[\"192.0.2.99\"]");
    host("any", "\"interfaceName\":\"*\"");
    put(
        ResourceKind.HOST_ENDPOINT,
        "",
        "others",
        "{\"node\":\"there\",\"interfaceName\":\"eth0\"}");
    boolean unused =
        calculation.putInterfaces(
            Set.of(
                new HostInterface("eth2", Set.of(IpAddress.parse("192.0.2.1"))),
                new HostInterface("eth3", Set.of(IpAddress.parse("192.0.2.2")))));
    assertThat(
            statuses(
                link("eth0", true, 0),
                link("eth1", false, 0),
                link("eth2", false, 0),
                link("eth3", true, 0)))
        .isEqualTo(
            Map.of(
                "up", "UP",
                "down", "DOWN",
                "missing", "ERROR",
                "zz-second", "ERROR",
                "by-address", "UP",
                "no-address", "ERROR",
                "any", "UP"));
  }

  @Test
  void aWorkloadsBgpPeerIsTheFirstOneThatSelectsIt() {
    put(ResourceKind.PROFILE, "", "racks", "{\"labelsToApply\":{\"bgp\":\"yes\"}}");
    put(ResourceKind.NODE, "", "here", "{}");
    workload("router", "cali1", "\"racks\"");
    workload("web", "cali2", "");
    put(ResourceKind.BGP_PEER, "", "b", "{\"localWorkloadSelector\":\"bgp == 'yes'\"}");
    put(ResourceKind.BGP_PEER, "", "a", "{\"node\":\"there\",\"localWorkloadSelector\":\"all()\"}");
    put(
        ResourceKind.BGP_PEER,
        "",
        "c",
        "{\"node\":\"here\",\"localWorkloadSelector\":\"bgp == 'yes'\"}");
    var unused = calculation.flush();
    assertThat(calculation.bgpPeers().values()).containsExactly("b");
    assertThat(calculation.bgpPeers().keySet()).allMatch(key -> key.contains("router"));
    assertThat(calculation.labelledEndpoints())
        .filteredOn(endpoint -> "yes".equals(endpoint.metadata().labels().get("bgp")))
        .singleElement()
        .satisfies(endpoint -> assertThat(endpoint.key().path()).contains("router"));
  }
}
