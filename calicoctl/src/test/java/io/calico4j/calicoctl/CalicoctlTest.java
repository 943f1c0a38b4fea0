package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands as an operator types them, over a datastore in memory. */
class CalicoctlTest extends CommandFixture {
  @Test
  void aFieldThatFelixDoesNotActUponIsStoredWithAWarning() throws Exception {
    String configuration =
        """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default}
        spec: {logPrefix: x, wireguardMTU: 1400, bpfEnabled: false}
        """;
    assertThat(run("apply", "-f", file(configuration))).as(err.toString()).isZero();
    assertThat(err.toString())
        .isEqualTo(
            "warning: FelixConfiguration WireguardMTU is not supported here, because WireGuard is"
                + " not yet implemented: FelixConfiguration default wireguardMTU \"1400\" has no"
                + " effect\n");
    assertThat(run("delete", "-f", file(configuration))).isZero();
    assertThat(err.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "BGPPeer | {peerIP: 192.0.2.8, asNumber: 65008, filters: [only-default], ttlSecurity: 1} |",
        "BGPPeer | {peerIP: 192.0.2.8} | BGPPeer(x) spec.peerIP has no effect here: without asNumber",
        "HostEndpoint | {node: a, interfaceName: eth0} |",
        "GlobalNetworkPolicy | {performanceHints: [AssumeNeededOnEveryNode]} | spec.performanceHints has",
        "Node | {wireguard: {interfaceIPv4Address: 192.0.2.1}} | Node(x) spec.wireguard has no effect",
      })
  void aFieldWithoutEffectIsStoredWithAWarning(String kind, String spec, String warning)
      throws Exception {
    String document =
        "{apiVersion: projectcalico.org/v3, kind: %s, metadata: {name: x}, spec: %s}"
            .formatted(kind, spec);
    for (String command : new String[] {"create", "apply", "replace"}) {
      assertThat(run(command, "-f", file(document))).as(err.toString()).isZero();
      if (warning == null) {
        assertThat(err.toString()).isEmpty();
      } else {
        assertThat(err.toString()).startsWith("warning: ").contains(warning);
      }
    }
  }

  @Test
  void whatIsAppliedIsShownAndCanBeAppliedAgain() throws Exception {
    assertThat(run("apply", "-f", file(POOL.formatted("one", "10.65.0.0/16")))).isZero();
    assertThat(run("get", "ippool", "-o", "table")).isZero();
    assertThat(out.toString()).startsWith("NAME   CIDR").contains("one    10.65.0.0/16   all()");

    assertThat(run("get", "ipp", "one", "-o", "yaml")).isZero();
    assertThat(out.toString()).contains("blockSize: 26").contains("resourceVersion:");
    assertThat(run("apply", "-f", file(out.toString()))).as(err.toString()).isZero();

    assertThat(run("create", "-f", file(POOL.formatted("one", "10.65.0.0/16")))).isEqualTo(1);
    assertThat(err.toString()).contains("IPPool(one) exists already");
    assertThat(run("delete", "ippool", "one")).isZero();
    assertThat(run("get", "ippool", "one")).isEqualTo(1);
  }

  @Test
  void nothingIsWrittenWhenOneDocumentIsWrong() throws Exception {
    String text = POOL.formatted("one", "10.65.0.0/16") + "---\n" + POOL.formatted("Two", "x");
    assertThat(run("apply", "-f", file(text))).isEqualTo(1);
    assertThat(err.toString()).contains("document 2").contains("IPPool(Two)");
    assertThat(datastore.list("/calico/").entries()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cidr: 10.65.0.1/16 | spec.cidr",
        "{cidr: 10.65.0.0/16, blockSize: 8} | spec.blockSize",
        "{cidr: 10.65.0.0/16, natOutgonig: true} | spec.natOutgonig: unknown field",
        "{cidr: 10.65.0.0/16, nodeSelector: a ==} | spec.nodeSelector",
      })
  void errorsNameTheField(String spec, String field) throws Exception {
    String text =
        "{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: one}, spec: "
            + (spec.startsWith("{") ? spec : "{" + spec + "}")
            + "}";
    assertThat(run("apply", "-f", file(text))).isEqualTo(1);
    assertThat(err.toString()).contains("IPPool(one)").contains(field);
  }

  @Test
  void aMisspeltActionIsRefusedWithItsPath() throws Exception {
    String text =
        "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: p}, spec:"
            + " {ingress: [{action: Alow}]}}";
    assertThat(run("apply", "-f", file(text))).isEqualTo(1);
    assertThat(err.toString()).contains("spec.ingress[0].action").contains("Alow");
  }

  @Test
  void overlappingPoolsAreRefused() throws Exception {
    assertThat(run("apply", "-f", file(POOL.formatted("one", "10.65.0.0/16")))).isZero();
    assertThat(run("apply", "-f", file(POOL.formatted("two", "10.65.8.0/24")))).isEqualTo(1);
    assertThat(err.toString()).contains("overlaps IPPool(one)");
  }

  @Test
  void usageErrorsExitWithTwo() {
    assertThat(run("get", "elephants")).isEqualTo(2);
    assertThat(run("apply")).isEqualTo(2);
    assertThat(run("version", "--client")).isZero();
    assertThat(out.toString()).matches("Client Version: +[0-9]+[.][0-9]+[.][0-9]+\\S*\\R");
    assertThat(run("completion")).isZero();
    assertThat(out.toString()).contains("calicoctl");
  }

  @Test
  void ipamCheckSaysThatNothingIsWrongAndNamesWhatIs() throws Exception {
    assertThat(run("ipam", "check")).isZero();
    assertThat(out.toString()).contains("no problem found");
    datastore.commit(
        io.calico4j.core.datastore.Transaction.builder()
            .put("/calico/ipam/v2/handle/net.gone", "{\"block\":{\"10.65.0.0/26\":1}}")
            .build());
    assertThat(run("ipam", "check")).isEqualTo(1);
    assertThat(out.toString()).contains("WRONG_HANDLE").contains("net.gone");
  }

  @Test
  void aDamagedIpamEntryIsNamedAndTheOthersAreListed() throws Exception {
    datastore.commit(
        io.calico4j.core.datastore.Transaction.builder()
            .put("/calico/ipam/v2/handle/net.broken", "[")
            .put("/calico/ipam/v2/handle/net.good", "{\"block\":{\"10.65.0.0/26\":1}}")
            .build());
    assertThat(run("get", "ipamhandles")).isZero();
    assertThat(out.toString()).contains("net.good").doesNotContain("net.broken");
    assertThat(err.toString()).contains("damaged, left out: /calico/ipam/v2/handle/net.broken");
  }

  @Test
  void ipamIsConfiguredAndAnAddressReleased() throws Exception {
    assertThat(run("ipam", "configure")).isZero();
    assertThat(out.toString()).contains("strict affinity false", "at most 20 blocks");
    assertThat(run("ipam", "configure", "--max-blocks-per-host=4")).isEqualTo(1);
    assertThat(err.toString()).contains("needs strict affinity");
    assertThat(run("ipam", "configure", "--strictaffinity=true", "--max-blocks-per-host=4"))
        .isZero();
    assertThat(datastore.get("/calico/ipam/v2/config").orElseThrow().value())
        .isEqualTo(
            "{\"strict_affinity\":true,\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":4}");
    assertThat(run("ipam", "configure", "--strictaffinity=false")).isEqualTo(1);

    assertThat(run("ipam", "release", "--ip=10.65.0.9")).isEqualTo(1);
    assertThat(out.toString()).contains("10.65.0.9 was not assigned");
    assertThat(run("ipam", "release", "--ip=ten")).isEqualTo(1);
    assertThat(err.toString()).contains("ten");
  }

  @Test
  void ipamsOwnDataCanBeLookedAt() throws Exception {
    datastore.commit(
        io.calico4j.core.datastore.Transaction.builder()
            .put(
                "/calico/ipam/v2/host/host-a/ipv4/block/10.65.1.0-26",
                "{\"state\":\"confirmed\",\"deleted\":false}")
            .put(
                "/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26",
                "{\"cidr\":\"10.65.1.0/26\",\"affinity\":\"host:host-a\",\"sequenceNumber\":7}")
            .put(
                "/calico/ipam/v2/handle/net.Web",
                "{\"block\":{\"10.65.1.0/26\":2},\"deleted\":false}")
            .put(
                "/calico/ipam/v2/config",
                "{\"strict_affinity\":true,\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":4}")
            .build());
    assertThat(run("get", "blockaffinity")).as(err.toString()).isZero();
    assertThat(out.toString()).contains("host-a-10-65-1-0-26", "10.65.1.0/26", "confirmed");
    assertThat(run("get", "ipamblocks", "10-65-1-0-26", "-o", "json")).isZero();
    assertThat(out.toString()).contains("\"kind\": \"IPAMBlock\"", "\"affinity\": \"host:host-a\"");
    assertThat(run("get", "ipamhandle", "-o", "yaml")).isZero();
    assertThat(out.toString()).contains("name: net.web", "handleID: net.Web", "10.65.1.0/26: 2");
    assertThat(run("get", "ipamconfig")).isZero();
    assertThat(out.toString()).contains("true", "4");
    assertThat(run("get", "ipamblock", "10-9-9-0-26")).isNotZero();
    assertThat(err.toString()).contains("IPAMBlock(10-9-9-0-26) does not exist");
  }

  @Test
  void theWideTableSaysWhichTaskHasAnAddress() throws Exception {
    String endpoint =
        "{'kind':'WorkloadEndpoint','apiVersion':'projectcalico.org/v3','metadata':{"
            + "'name':'host--a-cni-task-eth0','namespace':'default','annotations':{"
            + "'io.calico4j/mesos-framework-id':'fw-1','io.calico4j/mesos-task-ids':'web.1,web.2'}},"
            + "'spec':{'orchestrator':'cni','node':'host-a','containerID':'task','endpoint':'eth0',"
            + "'ipNetworks':['10.65.0.9/32'],'interfaceName':'cali1'}}";
    long unused =
        datastore.commit(
            io.calico4j.core.datastore.Transaction.builder()
                .create(
                    "/calico/resources/v3/projectcalico.org/workloadendpoints/default/"
                        + "host--a-cni-task-eth0",
                    endpoint.replace('\'', '"'))
                .build());
    assertThat(run("get", "wep", "-o", "wide")).isZero();
    assertThat(out.toString())
        .containsPattern("NAME .* IPNETWORKS .* FRAMEWORK +TASKS")
        .containsPattern("host--a-cni-task-eth0 .* 10.65.0.9/32 .* fw-1 +web.1,web.2");
    assertThat(run("get", "wep")).isZero();
    assertThat(out.toString()).doesNotContain("FRAMEWORK", "web.1");
    assertThat(run("get", "node", "-o", "wide")).isZero();
    assertThat(out.toString()).doesNotContain("FRAMEWORK");
  }
}
