package io.calico4j.core.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.model.Resource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each rule of validation has a row. A row is kind, name, spec and a part of the message, or "ok"
 * for what stands just inside the rule.
 */
class ValidationTest {
  private static JsonObject document(String kind, String name, String spec) {
    return JsonParser.parseString(
            ("{'apiVersion':'projectcalico.org/v3','kind':'"
                    + kind
                    + "','metadata':{'name':'"
                    + name
                    + "'},'spec':"
                    + spec
                    + "}")
                .replace('\'', '"')
                .replace('`', '\''))
        .getAsJsonObject();
  }

  private static void check(String kind, String name, String spec, String expected)
      throws Exception {
    JsonObject document = document(kind, name, spec);
    if (expected.equals("ok")) {
      Resource<?> resource = UserResources.parse(document);
      assertThat(resource.metadata().name()).isEqualTo(name);
      return;
    }
    assertThatThrownBy(() -> UserResources.parse(document))
        .isInstanceOf(ValidationException.class)
        .hasMessageStartingWith(kind + "(" + name + ")")
        .hasMessageContaining(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'cidr':'10.65.0.0/16'} | ok",
        "{} | spec.cidr: is missing",
        "{'cidr':'10.65.0/16'} | spec.cidr: \"\"10.65.0/16\"\" is not a CIDR",
        "{'cidr':'10.65.0.1/16'} | write it as 10.65.0.0/16",
        "{'cidr':'FD00:0::/48'} | ok",
        "{'cidr':'fd00::/48'} | ok",
        "{'cidr':'10.0.0.0/8','blockSize':19} | spec.blockSize: 19 is not within 20 to 32",
        "{'cidr':'10.0.0.0/8','blockSize':20} | ok",
        "{'cidr':'10.0.0.0/8','blockSize':32} | ok",
        "{'cidr':'10.0.0.0/8','blockSize':33} | spec.blockSize: 33 is not within",
        "{'cidr':'fd00::/48','blockSize':115} | 115 is not within 116 to 128",
        "{'cidr':'fd00::/48','blockSize':116} | ok",
        "{'cidr':'fd00::/48','blockSize':128} | ok",
        "{'cidr':'fd00::/48','blockSize':129} | 129 is not within",
        "{'cidr':'10.0.0.0/8','blockSize':'26'} | spec.blockSize: \"\"26\"\" is not an integer",
        "{'cidr':'10.0.0.0/27'} | is smaller than a block of /26",
        "{'cidr':'10.0.0.0/27','disabled':true} | ok",
        "{'cidr':'10.0.0.0/27','blockSize':27} | ok",
        "{'cidr':'10.0.0.0/8','ipipMode':'Sometimes'} | is none of [Never, Always, CrossSubnet]",
        "{'cidr':'10.0.0.0/8','vxlanMode':'always'} | spec.vxlanMode: \"\"always\"\" is none of",
        "{'cidr':'10.0.0.0/8','ipipMode':'Always','vxlanMode':'CrossSubnet'} | exclude each other",
        "{'cidr':'10.0.0.0/8','ipipMode':'Always','vxlanMode':'Never'} | ok",
        "{'cidr':'fd00::/48','ipipMode':'Always'} | is for IPv4 pools only",
        "{'cidr':'fd00::/48','vxlanMode':'Always'} | ok",
        "{'cidr':'169.254.0.0/17'} | overlaps the link-local",
        "{'cidr':'fe80::/64'} | overlaps the link-local",
        "{'cidr':'10.0.0.0/8','nodeSelector':'rack =='} | spec.nodeSelector",
        "{'cidr':'10.0.0.0/8','nodeSelector':'global()'} | global() has a meaning only",
        "{'cidr':'10.0.0.0/8','namespaceSelector':'!global()','allowedUses':['Workload']}"
            + " | spec.namespaceSelector: global()",
        "{'cidr':'10.0.0.0/8','namespaceSelector':'has(a)','allowedUses':['Workload']} | ok",
        "{'cidr':'10.0.0.0/8','namespaceSelector':'has(a)'} | a pool for tunnels cannot",
        "{'cidr':'10.0.0.0/8','allowedUses':['Workloads']} | is none of [Workload, Tunnel",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer']} | ok",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer','Workload']} | cannot be mixed",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer'],'ipipMode':'Always'} | Never",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer'],'nodeSelector':'a'} | nodeSelector",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer'],'nodeSelector':'has(a)'} | all()",
        "{'cidr':'10.0.0.0/8','allowedUses':['LoadBalancer'],'disableBGPExport':true}"
            + " | spec.disableBGPExport",
        "{'cidr':'10.0.0.0/8','natOutGoing':true} | spec.natOutGoing: unknown field, known are",
        "{'cidr':'10.0.0.0/8','natOutgoing':'yes'} | is not true or false",
        "{'cidr':'10.0.0.0/8','assignmentMode':'Auto'} | none of [Automatic, Manual]",
      })
  void pools(String spec, String expected) throws Exception {
    check("IPPool", "pool", spec, expected.replace("\"\"", "\""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "IPPool | a.b-c9 | {'cidr':'10.0.0.0/8'} | ok",
        "IPPool | Pool | {'cidr':'10.0.0.0/8'} | metadata.name",
        "IPPool | -a | {'cidr':'10.0.0.0/8'} | metadata.name",
        "IPPool | a- | {'cidr':'10.0.0.0/8'} | metadata.name",
        "IPPool | a_b | {'cidr':'10.0.0.0/8'} | metadata.name",
        "Profile | A_b.c | {} | ok",
        "Profile | a/b | {} | metadata.name",
        "ClusterInformation | other | {} | must be default",
        "FelixConfiguration | node. | {} | must name a node",
        "FelixConfiguration | node.host-a | {} | ok",
        "IPReservation | r | {'reservedCIDRs':['10.0.0.0/30','10.0.0.9','fd00::1']} | ok",
        "IPReservation | r | {'reservedCIDRs':['10.0.0.0/33']} | spec.reservedCIDRs[0]",
        "IPReservation | r | {'reservedCIDRs':'10.0.0.0/30'} | is not a list",
        "GlobalNetworkSet | s | {'nets':['198.51.100.0/24','203.0.113.9']} | ok",
        "NetworkSet | s | {'nets':['a.example.org']} | spec.nets[0]",
        "Profile | p | {'labelsToApply':{'a b':'c'}} | a label's name",
        "Profile | p | {'labelsToApply':{'a':'-c'}} | spec.labelsToApply[a]",
        "Profile | p | {'labelsToApply':{'example.org/a':''}} | ok",
        "Tier | security | {'order':100,'defaultAction':'Pass'} | ok",
        "Tier | security | {'defaultAction':'Allow'} | none of [Deny, Pass]",
        "Tier | default | {'order':5} | always has order 1000000",
        "Tier | kube-admin | {'defaultAction':'Deny'} | always has Pass",
        "HostEndpoint | h | {'node':'a','interfaceName':'eth0'} | ok",
        "HostEndpoint | h | {'node':'a','interfaceName':'*'} | ok",
        "HostEndpoint | h | {'node':'a','expectedIPs':['192.0.2.1']} | ok",
        "HostEndpoint | h | {'interfaceName':'eth0'} | spec.node: is missing",
        "HostEndpoint | h | {'node':'a'} | give it or expectedIPs",
        "HostEndpoint | h | {'node':'a','interfaceName':'eth0/1'} | spec.interfaceName",
        "HostEndpoint | h | {'node':'a','interfaceName':'abcdefghijklmnop'} | at most 15",
        "HostEndpoint | h | {'node':'a','expectedIPs':['192.0.2.0/24']} | not an IP address",
        "HostEndpoint | h | {'node':'a','interfaceName':'e',"
            + "'ports':[{'name':'a b','protocol':'TCP','port':1}]} | spec.ports[0].name",
        "HostEndpoint | h | {'node':'a','interfaceName':'e',"
            + "'ports':[{'name':'a','protocol':'ICMP','port':1}]} | must be TCP, UDP or SCTP",
        "HostEndpoint | h | {'node':'a','interfaceName':'e',"
            + "'ports':[{'name':'a','protocol':'TCP','port':0}]} | 0 is not within 1 to 65535",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1/24','asNumber':'1.10'}} | ok",
        "Node | n | {'bgp':{'asNumber':64512}} | needs ipv4Address or ipv6Address",
        "Node | n | {'bgp':{'ipv4Address':'fd00::1/64'}} | is not ipv4",
        "Node | n | {'bgp':{'ipv6Address':'192.0.2.1'}} | is not ipv6",
        "Node | n | {'bgp':{'ipv4Address':'host-a'}} | spec.bgp.ipv4Address",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1','ipv4IPIPTunnelAddr':'fd00::1'}} | not ipv4",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1','ipv4IPIPTunnelAddr':'10.0.0.1/32'}}"
            + " | is not an IP address",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1','routeReflectorClusterID':'x'}} | ClusterID",
        "Node | n | {'bgp':{'ipv4Address':'192.0.2.1','asNumber':4294967296}} | AS number",
        "Node | n | {'vxlanTunnelMACAddr':'zz'} | spec.vxlanTunnelMACAddr",
        "Node | n | {'ipv6VXLANTunnelAddr':'10.0.0.1'} | spec.ipv6VXLANTunnelAddr",
        "Node | n | {'addresses':[{'address':'x'}]} | spec.addresses",
        "Node | n | {'addresses':[{'address':'192.0.2.1','type':'Internal'}]} | none of [Calico",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':64513} | ok",
        "BGPPeer | p | {'peerIP':'192.0.2.1:1790','asNumber':64513} | ok",
        "BGPPeer | p | {'peerIP':'[fd00::1]:1790','asNumber':64513} | ok",
        "BGPPeer | p | {'peerIP':'[9000::]:500'} | ok",
        "BGPPeer | p | {'peerIP':'192.0.2.1:0','asNumber':64513} | spec.peerIP",
        "BGPPeer | p | {'peerIP':'[fd00::1]:99999','asNumber':64513} | spec.peerIP",
        "BGPPeer | p | {'peerIP':'[fd00::1','asNumber':64513} | spec.peerIP",
        "BGPPeer | p | {'peerIP':'tor','asNumber':64513} | spec.peerIP",
        "BGPPeer | p | {'peerIP':'192.0.2.1'} | ok",
        "BGPPeer | p | {'peerIP':'1.2.3.4','asNumber':61234,'localWorkloadSelector':'has(a)'}"
            + " | spec.peerIP: and localWorkloadSelector",
        "BGPPeer | p | {'peerSelector':'has(b)','asNumber':1,'localWorkloadSelector':'has(a)'}"
            + " | spec.peerSelector: and localWorkloadSelector",
        "BGPPeer | p | {'localWorkloadSelector':'has(a)'} | spec.asNumber: is missing",
        "BGPPeer | p | {'localWorkloadSelector':'has(a)','asNumber':1} | ok",
        "BGPPeer | p | {'localWorkloadSelector':'has(','asNumber':1} | spec.localWorkloadSelector",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'password':{'secretKeyRef':{'name':'s',"
            + "'key':'k'}}} | ok",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'password':{'secretKeyRef':{'name':'s'}}}"
            + " | spec.password.secretKeyRef.key: is missing",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'password':{'secretKeyRef':"
            + "{'name':'../s','key':'k'}}} | spec.password.secretKeyRef.name",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'password':{}} | secretKeyRef: is missing",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'maxRestartTime':'soon'} | a duration",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'keepaliveTime':'1m30s'} | ok",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'ttlSecurity':256} | spec.ttlSecurity",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'numAllowedLocalASNumbers':-1} | negative",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'reachableBy':'fd00::1'} | other family",
        "BGPPeer | p | {'peerSelector':'all()','reachableBy':'192.0.2.1'} | needs peerIP",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'reachableBy':'gw'} | spec.reachableBy",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'reversePeering':'No'} | none of [Auto",
        "BGPPeer | p | {} | give it, peerSelector or",
        "BGPPeer | p | {'peerSelector':'has(rr)'} | ok",
        "BGPPeer | p | {'peerSelector':'has(rr'} | spec.peerSelector",
        "BGPPeer | p | {'peerSelector':'has(rr)','asNumber':1} | follows from the nodes",
        "BGPPeer | p | {'peerSelector':'has(rr)','peerIP':'192.0.2.1'} | exclude each other",
        "BGPPeer | p | {'node':'a','nodeSelector':'all()','peerIP':'192.0.2.1','asNumber':1}"
            + " | spec.node: and nodeSelector",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'nextHopMode':'Keeps'} | none of [Auto",
        "BGPPeer | p | {'peerIP':'192.0.2.1','asNumber':1,'nextHopMode':'Keep',"
            + "'keepOriginalNextHop':true} | exclude each other",
        "BGPConfiguration | default | {'asNumber':64512,'nodeToNodeMeshEnabled':false} | ok",
        "BGPConfiguration | node.a | {'asNumber':64512} | spec.asNumber",
        "BGPConfiguration | node.a | {'nodeToNodeMeshEnabled':false} | default only",
        "BGPConfiguration | default | {'listenPort':70000} | 70000 is not within 1 to 65535",
        "BGPConfiguration | default | {'bindMode':'All'} | none of [None, NodeIP]",
        "BGPConfiguration | default | {'logSeverityScreen':'info'} | spec.logSeverityScreen",
        "BGPConfiguration | node.a | {'logSeverityScreen':'Debug'} | ok",
        "BGPConfiguration | default | {'serviceExternalIPs':[{'cidr':'8.8.8.8'}]} | ExternalIPs[0]",
        "BGPConfiguration | default | {'serviceClusterIPs':[{'cidr':'x.x.x.x'}]} | ClusterIPs[0]",
        "BGPConfiguration | default | {'serviceLoadBalancerIPs':[{}]} | BalancerIPs[0].cidr: is m",
        "BGPConfiguration | default | {'serviceClusterIPs':[{'cidr':'fd00::/112'}]} | ok",
        "BGPConfiguration | default | {'nodeToNodeMeshEnabled':false,'nodeMeshMaxRestartTime':'9s'}"
            + " | needs the mesh",
        "BGPConfiguration | default | {'nodeToNodeMeshEnabled':false,'nodeMeshPassword':"
            + "{'secretKeyRef':{'name':'s','key':'k'}}} | spec.nodeMeshPassword: needs the mesh",
        "BGPConfiguration | node.a | {'nodeMeshMaxRestartTime':'9s'} | default only",
        "BGPConfiguration | default | {'nodeMeshMaxRestartTime':'3m20s'} | ok",
        "BGPConfiguration | default | {'communities':[{'name':'c','value':'101:5695'}]} | no prefix",
        "BGPConfiguration | default | {'communities':[{'name':'c','value':'65536:9'}],"
            + "'prefixAdvertisements':[{'cidr':'192.0.2.0/28','communities':['c']}]} | no community",
        "BGPConfiguration | default | {'prefixAdvertisements':[{'communities':['100:5964']}]}"
            + " | spec.prefixAdvertisements[0].cidr: is missing",
        "BGPConfiguration | default | {'prefixAdvertisements':[{'cidr':'2001:db8::/64',"
            + "'communities':['100:100:4294967296']}]} | no community",
        "BGPConfiguration | default | {'prefixAdvertisements':[{'cidr':'2001:db8::/64',"
            + "'communities':['unknown']}]} | nor the name of one",
        "BGPConfiguration | default | {'communities':[{'name':'c','value':'1:2:4294967295'}],"
            + "'prefixAdvertisements':[{'cidr':'192.0.2.0/28','communities':['c','65535:1']}]} | ok",
        "BGPConfiguration | default | {'localWorkloadPeeringIPV4':'999.1.1.1'} | PeeringIPV4",
        "BGPConfiguration | default | {'localWorkloadPeeringIPV6':'169.254.1.1'} | is not ipv6",
        "BGPConfiguration | default | {'ignoredInterfaces':['eth0; x']} | spec.ignoredInterfaces",
        "BGPConfiguration | default | {'ignoredInterfaces':['vmnet*']} | ok",
        "BGPFilter | f | {} | ok",
        "BGPFilter | f | {'exportV4':[{'action':'Reject'}]} | ok",
        "BGPFilter | f | {'exportV4':[{}]} | spec.exportV4[0].action: is missing",
        "BGPFilter | f | {'exportV4':[{'action':'Deny'}]} | none of [Accept, Reject]",
        "BGPFilter | f | {'importV4':[{'action':'Accept','cidr':'10.0.0.0/8','matchOperator':'In',"
            + "'prefixLength':{'min':16,'max':24}}]} | ok",
        "BGPFilter | f | {'importV4':[{'action':'Accept','cidr':'10.0.0.0/8'}]} | belong together",
        "BGPFilter | f | {'importV4':[{'action':'Accept','matchOperator':'In'}]} | belong together",
        "BGPFilter | f | {'importV4':[{'action':'Accept','prefixLength':{'min':1}}]} | needs cidr",
        "BGPFilter | f | {'importV6':[{'action':'Accept','cidr':'10.0.0.0/8','matchOperator':'In'}]}"
            + " | is not ipv6",
        "BGPFilter | f | {'importV4':[{'action':'Accept','cidr':'10.0.0.0/8','matchOperator':'Is'}]}"
            + " | none of [Equal, NotEqual, In, NotIn]",
        "BGPFilter | f | {'importV4':[{'action':'Accept','interface':'eth0*'}]} | ok",
        "BGPFilter | f | {'importV4':[{'action':'Accept','interface':'a b'}]} | [0].interface",
        "BGPFilter | f | {'importV4':[{'action':'Accept','source':'Local'}]} | none of [RemotePeers]",
        "BGPFilter | f | {'importV4':[{'action':'Accept','peerType':'x'}]} | none of [eBGP, iBGP]",
        "BGPFilter | f | {'importV4':[{'action':'Accept','communities':{'values':[]}}]} | exactly one",
        "BGPFilter | f | {'importV4':[{'action':'Accept','communities':{'values':['1:2']}}]} | ok",
        "BGPFilter | f | {'importV4':[{'action':'Accept','communities':{'values':['1']}}]} | no comm",
        "BGPFilter | f | {'importV4':[{'action':'Reject','operations':[{'setPriority':{'value':1}}]}"
            + "]} | need action Accept",
        "BGPFilter | f | {'importV4':[{'action':'Accept','operations':[{}]}]} | must be one of",
        "BGPFilter | f | {'importV4':[{'action':'Accept','operations':[{'prependASPath':"
            + "{'prefix':[65000,'1.1']}},{'addCommunity':{'value':'1:2:3'}}]}]} | ok",
        "BGPFilter | f | {'importV4':[{'action':'Accept','priority':0}]} | 0 is not within",
        "FelixConfiguration | default | {'ipipEnabled':true,'bpfEnabled':false} | ok",
        "FelixConfiguration | default | {'reportingInterval':'soon'} | a duration",
        "FelixConfiguration | default | {'reportingInterval':'1m30s'} | ok",
        "FelixConfiguration | default | {'defaultEndpointToHostAction':'Explode'} | Drop",
        "FelixConfiguration | default | {'interfacePrefix':'cali,tap'} | ok",
        "FelixConfiguration | default | {'interfacePrefix':'ca li'} | a list of interface",
        "FelixConfiguration | default | {'failsafeInboundHostPorts':[{'port':70000}]}"
            + " | spec.failsafeInboundHostPorts[0].port",
        "FelixConfiguration | default | {'interfaceprefix':'cali'} | unknown field",
      })
  void otherKinds(String kind, String name, String spec, String expected) throws Exception {
    check(kind, name, spec, expected);
  }

  private static final String WEP =
      "'orchestrator':'cni','node':'host-a','containerID':'c1','endpoint':'eth0',";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "host--a-cni-c1-eth0 | 'interfaceName':'cali1','ipNetworks':['10.0.0.1/32'] | ok",
        "host-a-cni-c1-eth0 | 'interfaceName':'cali1' | must be host--a-cni-c1-eth0",
        "host--a-cni-c1-eth0 | 'workload':'w' | spec.interfaceName: is missing",
        "host--a-cni-c1-eth0 | 'interfaceName':'a b' | spec.interfaceName",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNetworks':['10.0.0.0/24'] | one address",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNetworks':['x'] | spec.ipNetworks[0]",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','mac':'1:2' | spec.mac",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNetworks':['10.0.0.1/32'],"
            + "'ipNATs':[{'internalIP':'10.0.0.1','externalIP':'192.0.2.7'}] | ok",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNetworks':['10.0.0.1/32'],"
            + "'ipNATs':[{'internalIP':'10.0.0.2','externalIP':'192.0.2.7'}] | none of the",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNetworks':['10.0.0.1/32'],"
            + "'ipNATs':[{'internalIP':'10.0.0.1','externalIP':'fd00::7'}] | one address family",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','ipNATs':[{'externalIP':'192.0.2.7'}]"
            + " | internalIP: is missing",
        "host--a-cni-c1-eth0 | 'interfaceName':'c','allowSpoofedSourcePrefixes':['x'] | Prefixes[0]",
        "host--a-cni-c1-eth0 | 'interfaceName':'c',"
            + "'ports':[{'name':'http','protocol':'TCP','port':80,'hostPort':0,'hostIP':''}] | ok",
      })
  void workloadEndpoints(String name, String spec, String expected) throws Exception {
    check("WorkloadEndpoint", name, "{" + WEP + spec + "}", expected);
  }

  @ParameterizedTest
  @CsvSource({
    "'',pod1,,,cni",
    "-a,cni,c1,eth0,begin or end with a dash",
    "a,cni,,eth0,workload",
    "a,cni,c1,,endpoint",
    "a,cni,c1-,eth0,begin or end with a dash",
  })
  void anEndpointWithoutAPartOfItsNameIsRefused(
      String node, String orchestrator, String container, String endpoint, String expected)
      throws Exception {
    String spec =
        "{'interfaceName':'c','node':'%s','orchestrator':'%s','containerID':'%s','endpoint':'%s'}"
            .formatted(node, orchestrator, or(container), or(endpoint));
    check("WorkloadEndpoint", "x", spec, expected.equals("cni") ? "node" : expected);
  }

  private static String or(String text) {
    return text == null ? "" : text;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'selector':'a == `b`','types':['Ingress','Egress'],'order':1.5} | ok",
        "{'selector':'a = `b`'} | spec.selector",
        "{'selector':'global()'} | spec.selector: global() has a meaning only",
        "{'selector':'a == `b` && !(has(c) && !global())'} | spec.selector: global()",
        "{'namespaceSelector':'global()'} | spec.namespaceSelector",
        "{'serviceAccountSelector':'('} | spec.serviceAccountSelector",
        "{'order':'1'} | spec.order",
        "{'types':['ingress']} | none of [Ingress, Egress]",
        "{'types':['Ingress','Ingress']} | has Ingress twice",
        "{'doNotTrack':true,'preDNAT':true,'applyOnForward':true} | exclude each other",
        "{'doNotTrack':true} | spec.applyOnForward: must be true",
        "{'doNotTrack':true,'applyOnForward':true} | ok",
        "{'preDNAT':true,'applyOnForward':true,'types':['Egress']} | sees no egress",
        "{'preDNAT':true,'applyOnForward':true,'egress':[{'action':'Allow'}]} | sees no egress",
        "{'preDNAT':true,'applyOnForward':true,'ingress':[{'action':'Allow'}]} | ok",
        "{'ingres':[]} | spec.ingres: unknown field",
        "{'performanceHints':['Hurry']} | none of [AssumeNeededOnEveryNode]",
      })
  void globalPolicies(String spec, String expected) throws Exception {
    check("GlobalNetworkPolicy", "p", spec, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'selector':'has(a)'} | ok",
        "{'applyOnForward':true} | spec.applyOnForward: unknown field",
        "{'namespaceSelector':'has(a)'} | spec.namespaceSelector: unknown field",
      })
  void namespacedPolicies(String spec, String expected) throws Exception {
    check("NetworkPolicy", "p", spec, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'action':'Allow'} | ok",
        "{} | action is none of Allow, Deny, Log and Pass",
        "{'action':'allow'} | ingress[0].action: \"\"allow\"\" is none of",
        "{'action':'Allow','ipVersion':5} | ingress[0].ipVersion",
        "{'action':'Allow','protocol':'FTP'} | protocol \"\"FTP\"\"",
        "{'action':'Allow','protocol':256} | protocol 256 is not within",
        "{'action':'Allow','protocol':132,'destination':{'ports':[1]}} | ok",
        "{'action':'Allow','destination':{'ports':[1]}} | need protocol TCP, UDP or SCTP",
        "{'action':'Allow','protocol':'ICMP','source':{'ports':[1]}} | need protocol TCP",
        "{'action':'Allow','protocol':'ICMP','source':{'notPorts':['http']}} | need protocol",
        "{'action':'Allow','destination':{'ports':['http']}} | ok",
        "{'action':'Allow','protocol':'TCP','destination':{'ports':['1:65535']}} | ok",
        "{'action':'Allow','protocol':'TCP','destination':{'ports':['9:8']}} | ascending range",
        "{'action':'Allow','protocol':'TCP','destination':{'ports':[65536]}} | 65536",
        "{'action':'Allow','protocol':'TCP','destination':{'ports':['a b']}} | port \"\"a b\"\"",
        "{'action':'Allow','icmp':{'type':8}} | needs protocol ICMP or ICMPv6",
        "{'action':'Allow','protocol':'TCP','notICMP':{'type':8}} | needs protocol ICMP",
        "{'action':'Allow','protocol':'ICMP','icmp':{'code':8}} | needs a type",
        "{'action':'Allow','protocol':'ICMP','icmp':{'type':255}} | 255 is not within 0 to 254",
        "{'action':'Allow','protocol':'ICMP','icmp':{'type':254,'code':255}} | ok",
        "{'action':'Allow','protocol':'ICMP','icmp':{'type':1,'code':256}} | 256 is not within",
        "{'action':'Allow','protocol':'ICMP','icmp':{'type':8},'ipVersion':6} | contradicts",
        "{'action':'Allow','protocol':'ICMPv6','icmp':{'type':8},'ipVersion':4} | contradicts",
        "{'action':'Allow','source':{'nets':['10.0.0.0/8','fd00::/8']}} | make a rule of each",
        "{'action':'Allow','source':{'nets':['10.0.0.0/8']},'destination':{'nets':['fd00::/8']}}"
            + " | make a rule of each",
        "{'action':'Allow','ipVersion':6,'source':{'nets':['10.0.0.0/8']}} | contradicts",
        "{'action':'Allow','source':{'notNets':['0.0.0.0/0']}} | excludes everything",
        "{'action':'Allow','source':{'notNets':['::/0']}} | excludes everything",
        "{'action':'Allow','source':{'nets':['0.0.0.0/0']}} | ok",
        "{'action':'Allow','source':{'nets':['10/8']}} | source.nets[0]",
        "{'action':'Allow','source':{'selector':'global()'}} | source.selector: global()",
        "{'action':'Allow','source':{'notSelector':'global()'}} | source.notSelector: global()",
        "{'action':'Allow','source':{'namespaceSelector':'global()'}} | ok",
        "{'action':'Allow','source':{'namespaceSelector':'x'}} | source.namespaceSelector",
        "{'action':'Allow','source':{'serviceAccounts':{'names':['a'],'selector':'('}}}"
            + " | serviceAccounts.selector",
        "{'action':'Allow','source':{'serviceAccounts':{'names':['a']}}} | ok",
        "{'action':'Allow','source':{'services':{'name':'web','namespace':'n'}}} | ok",
        "{'action':'Allow','source':{'services':{}}} | services.name: is missing",
        "{'action':'Allow','source':{'services':{'name':'w'},'selector':'has(a)'}} | excludes",
        "{'action':'Allow','source':{'services':{'name':'w'},'nets':['10.0.0.0/8']}} | excludes",
        "{'action':'Allow','destination':{'services':{'name':'w'}}} | the remote side only",
        "{'action':'Deny','http':{'methods':['GET']}} | can only be allowed",
        "{'action':'Allow','protocol':'UDP','http':{'methods':['GET']}} | needs protocol TCP",
        "{'action':'Allow','http':{'paths':[{'exact':'/a','prefix':'/b'}]}} | either exact or",
        "{'action':'Allow','http':{'paths':[{'prefix':'/b'}]}} | ok",
        "{'action':'Allow','source':{'sellector':'has(a)'}} | ingress[0].source.sellector: unknown",
        "{'action':'Allow','metadata':{'annotations':{'why':'because'}}} | ok",
      })
  void rules(String rule, String expected) throws Exception {
    check(
        "GlobalNetworkPolicy",
        "p",
        "{'types':['Ingress'],'ingress':[" + rule + "]}",
        expected.replace("\"\"", "\""));
  }

  /** Rules of upstream's validation that stand for their kind (libcalico-go/lib/validator/v3). */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "FelixConfiguration | default | {'defaultEndpointToHostAction':'drop'} | has not the form",
        "FelixConfiguration | default | {'defaultEndpointToHostAction':''} | ok",
        "FelixConfiguration | default | {'logSeverityFile':'badVal'} | spec.logSeverityFile",
        "FelixConfiguration | default | {'logSeveritySys':'Fatal'} | ok",
        "FelixConfiguration | default | {'openstackRegion':'FOO'} | spec.openstackRegion",
        "FelixConfiguration | default | {'iptablesNATOutgoingInterfaceFilter':'a@1'} | Filter",
        "FelixConfiguration | default | {'bpfExternalServiceMode':'Foo'} | Tunnel",
        "FelixConfiguration | default | {'bpfExtToServiceConnmark':-1} | is not within 0",
        "FelixConfiguration | default | {'bpfExtToServiceConnmark':4294967296} | is not within 0",
        "FelixConfiguration | default | {'routeTableRange':{'min':1,'max':253}} | within 1 to 250",
        "FelixConfiguration | default | {'routeTableRange':{'min':1,'max':250}} | ok",
        "FelixConfiguration | default | {'routeTableRanges':[{'min':0,'max':250}]} | not within 1",
        "FelixConfiguration | default | {'healthTimeoutOverrides':[{'name':'a','timeout':'-1ns'}]}"
            + " | timeout",
        "FelixConfiguration | default | {'ipv4ElevatedRoutePriority':0} | is not within 1",
        "FelixConfiguration | default | {'natOutgoingAddress':'1.2.3.4/32'} | an IPv4 address",
        "FelixConfiguration | default | {'natOutgoingAddress':'1.2.3.4'} | ok",
        "FelixConfiguration | default | {'deviceRouteSourceAddress':'aa::1'} | an IPv4 address",
        "FelixConfiguration | default | {'deviceRouteSourceAddressIPv6':'1.2.3.4'} | an IPv6",
        "FelixConfiguration | default | {'prometheusMetricsHost':'localhost#'} | MetricsHost",
        "FelixConfiguration | default | {'externalNodesList':['abcd::1']} | externalNodesList[0]",
        "FelixConfiguration | default | {'bpfForceTrackPacketsFromIfaces':['a@4']} | Ifaces[0]",
        "GlobalNetworkPolicy | knp.default.a | {} | metadata.name",
        "NetworkPolicy | knp.default.a | {} | metadata.name",
        "Tier | fo.o | {'order':1} | metadata.name",
        "HostEndpoint | h | {'node':'n','interfaceName':'eth0','profiles':['.fun']} | profiles",
        "GlobalNetworkPolicy | p | {'ingress':[{'action':'Allow','protocol':'TCP','destination':"
            + "{'notPorts':['0:456']}}]} | 0:456 is not within 1 to 65535",
        "GlobalNetworkPolicy | p | {'ingress':[{'action':'Allow','protocol':'ICMPv6',"
            + "'ipVersion':4}]} | contradicts ipVersion 4",
        "GlobalNetworkPolicy | p | {'egress':[{'action':'Allow','http':{'methods':['GET']}}]} |"
            + " ingress only",
        "GlobalNetworkPolicy | p | {'ingress':[{'action':'Allow','protocol':'TCP','http':"
            + "{'paths':[{'exact':'/fo?o'}]}}]} | has a blank, ? or #",
        "GlobalNetworkPolicy | p | {'ingress':[{'action':'Allow','source':{'namespaceSelector':"
            + "'global() && all()'}}]} | global() stands alone",
      })
  void rulesOfTheirKind(String kind, String name, String spec, String expected) throws Exception {
    check(kind, name, spec, expected);
  }
}
