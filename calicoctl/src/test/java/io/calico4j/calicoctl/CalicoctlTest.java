package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Commands as an operator types them, over a datastore in memory. */
class CalicoctlTest {
  private static final String POOL =
      """
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata:
        name: %s
      spec:
        cidr: %s
      """;

  private static final String SET =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkSet
      metadata: {name: s}
      spec: {nets: [%s]}
      """;

  private static final String SET_KEY =
      "/calico/resources/v3/projectcalico.org/globalnetworksets/s";

  private final MemoryDatastore datastore = new MemoryDatastore();
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path directory;

  private int run(String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    CommandLine line = CalicoctlMain.commandLine(Unclosable::new, Map.of());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(arguments);
  }

  /** Commands close their datastore; this one must outlive them. */
  private final class Unclosable implements io.calico4j.core.datastore.Datastore {
    @Override
    public java.util.Optional<io.calico4j.core.model.Entry> get(String key) {
      return datastore.get(key);
    }

    @Override
    public io.calico4j.core.datastore.Listing list(String prefix) {
      return datastore.list(prefix);
    }

    @Override
    public long commit(io.calico4j.core.datastore.Transaction transaction)
        throws io.calico4j.core.datastore.DatastoreException {
      return datastore.commit(transaction);
    }

    @Override
    public Watch watch(String prefix, long fromRevision, WatchListener listener) {
      return datastore.watch(prefix, fromRevision, listener);
    }

    @Override
    public void close() {}
  }

  private String file(String text) throws Exception {
    Path file = directory.resolve("input.yaml");
    Files.writeString(file, text);
    return file.toString();
  }

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

  @ParameterizedTest
  @CsvSource({"apply", "replace", "delete"})
  void aStaleResourceVersionIsRefused(String command) throws Exception {
    assertThat(run("apply", "-f", file(SET.formatted("10.0.0.0/8")))).isZero();
    assertThat(run("get", "globalnetworkset", "s", "-o", "yaml")).isZero();
    String old = out.toString();
    assertThat(run("apply", "-f", file(SET.formatted("11.0.0.0/8")))).isZero();
    long now = datastore.get(SET_KEY).orElseThrow().revision();

    assertThat(run(command, "-f", file(old))).isEqualTo(1);
    assertThat(err.toString())
        .contains("update conflict: GlobalNetworkSet(s)")
        .contains("the latest is " + now)
        .contains("remove metadata.resourceVersion");
    assertThat(datastore.get(SET_KEY).orElseThrow().revision()).isEqualTo(now);

    assertThat(run("get", "globalnetworkset", "s", "-o", "yaml")).isZero();
    assertThat(run(command, "-f", file(out.toString()))).as(err.toString()).isZero();
  }

  @Test
  void aResourceVersionCountsOnlyForWhatIsStored() throws Exception {
    String versioned =
        SET.formatted("10.0.0.0/8").replace("name: s", "name: s, resourceVersion: '7'");
    assertThat(run("create", "-f", file(versioned))).isEqualTo(1);
    assertThat(err.toString()).contains("GlobalNetworkSet(s) metadata.resourceVersion");
    assertThat(run("apply", "-f", file(versioned))).as(err.toString()).isZero();
    assertThat(run("apply", "-f", file(versioned.replace("'7'", "latest")))).isEqualTo(1);
    assertThat(err.toString()).contains("metadata.resourceVersion: \"latest\"");
  }

  private String stored(String plural, String name) {
    return datastore
        .get("/calico/resources/v3/projectcalico.org/" + plural + "/" + name)
        .orElseThrow()
        .value();
  }

  @Test
  void portsAreReadWithoutBase60() throws Exception {
    String policy =
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: ftp}
        spec:
          types: [Ingress]
          ingress:
          - {action: Allow, protocol: TCP, destination: {ports: [20:22, 22:22, 8000:8100, 80, 0x50]}}
        """;
    assertThat(run("apply", "-f", file(policy))).as(err.toString()).isZero();
    assertThat(stored("globalnetworkpolicies", "ftp"))
        .contains("\"ports\":[\"20:22\",\"22:22\",\"8000:8100\",80,80]");
  }

  @Test
  void textThatYamlTakesForSomethingElseStaysText() throws Exception {
    String node =
        """
        apiVersion: projectcalico.org/v3
        kind: Node
        metadata:
          name: host-q
          labels: {version: 1.10, on: yes, zone: 007, date: 2020-01-01, big: 1_000, none: ~, e: 1e3}
        spec:
          bgp: {ipv4Address: 198.51.100.9/24, asNumber: 1.10}
          vxlanTunnelMACAddr: 52:54:00:12:34:56
        """;
    assertThat(run("apply", "-f", file(node))).as(err.toString()).isZero();
    assertThat(stored("nodes", "host-q"))
        .contains(
            "\"vxlanTunnelMACAddr\":\"52:54:00:12:34:56\"",
            "\"asNumber\":65546",
            "\"version\":\"1.10\"",
            "\"true\":\"true\"",
            "\"zone\":\"007\"",
            "\"date\":\"2020-01-01\"",
            "\"big\":\"1_000\"",
            "\"none\":\"\"",
            "\"e\":\"1e3\"");
    assertThat(run("get", "node", "host-q", "-o", "yaml")).isZero();
    assertThat(out.toString()).contains("e: '1e3'", "zone: '007'", "'true': 'true'");
    String exported = stored("nodes", "host-q");
    assertThat(run("apply", "-f", file(out.toString()))).as(err.toString()).isZero();
    assertThat(stored("nodes", "host-q")).isEqualTo(exported);
  }

  @Test
  void aliasesAndMergeKeysAreResolvedUpToUpstreamsLimit() throws Exception {
    StringBuilder list = new StringBuilder("kind: List\nitems:\n");
    for (int i = 0; i < 60; i++) {
      list.append(
              "- {apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: t")
          .append(i)
          .append("}, spec: {ingress: ")
          .append(i == 0 ? "&rules [&web {action: Allow}, {<<: *web, action: Deny}]" : "*rules")
          .append("}}\n");
    }
    assertThat(run("apply", "-f", file(list.toString()))).as(err.toString()).isZero();
    assertThat(stored("globalnetworkpolicies", "t59"))
        .contains("\"ingress\":[{\"action\":\"Allow\"},{\"action\":\"Deny\"}]");

    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 30; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    assertThat(run("apply", "-f", file(bomb.toString()))).isEqualTo(1);
    assertThat(err.toString()).contains("excessive aliasing");
    assertThat(run("apply", "-f", file("a: &a [*a]"))).isEqualTo(1);
    assertThat(run("apply", "-f", file("a: 1\na: 2"))).isEqualTo(1);
    assertThat(err.toString()).contains("line 2: key \"a\" already set in map");
  }

  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: %s}
      spec: {order: %d}
      """;

  private static final String POLICIES =
      "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/";

  @ParameterizedTest
  @CsvSource({"foo, default.foo", "default.foo, foo"})
  void aPolicyOfTheDefaultTierIsOneWithOrWithoutThePrefix(String first, String second)
      throws Exception {
    assertThat(run("apply", "-f", file(POLICY.formatted(first, 1)))).isZero();
    assertThat(stored("globalnetworkpolicies", first))
        .contains("{\\\"name\\\":\\\"" + first + "\\\"}");
    assertThat(run("create", "-f", file(POLICY.formatted(second, 1)))).isEqualTo(1);
    assertThat(err.toString()).contains("exists already, as " + first);
    assertThat(run("apply", "-f", file(POLICY.formatted(second, 2)))).as(err.toString()).isZero();
    assertThat(datastore.list(POLICIES).entries()).hasSize(1);
    assertThat(stored("globalnetworkpolicies", first)).contains("\"order\":2");
    assertThat(run("get", "gnp", second)).isZero();
    assertThat(run("delete", "gnp", second)).isZero();
    assertThat(datastore.list(POLICIES).entries()).isEmpty();
  }

  @Test
  void aPolicyThatAnOlderVersionStoredKeepsItsKey() throws Exception {
    long unused =
        datastore.commit(
            io.calico4j.core.datastore.Transaction.builder()
                .create(
                    POLICIES + "default.old",
                    "{\"kind\":\"GlobalNetworkPolicy\",\"metadata\":{\"name\":\"default.old\"},"
                        + "\"spec\":{\"types\":[\"Ingress\"]}}")
                .build());
    assertThat(run("apply", "-f", file(POLICY.formatted("old", 3)))).as(err.toString()).isZero();
    assertThat(datastore.list(POLICIES).entries()).hasSize(1);
    assertThat(stored("globalnetworkpolicies", "default.old"))
        .contains("\"name\":\"default.old\"", "\"order\":3");
    assertThat(run("get", "gnp")).isZero();
    assertThat(out.toString()).containsPattern("(?m)^old ");
  }

  @Test
  void theNamespaceOptionIsWhereResourcesWithoutOneGo() throws Exception {
    String policy = POLICY.formatted("p", 1).replace("Global", "");
    assertThat(run("apply", "-n", "team", "-f", file(policy))).as(err.toString()).isZero();
    assertThat(stored("networkpolicies", "team/p")).contains("\"namespace\":\"team\"");
    String other = policy.replace("name: p", "name: p, namespace: other");
    assertThat(run("apply", "-n", "team", "-f", file(other))).isEqualTo(1);
    assertThat(err.toString()).contains("metadata.namespace: is not that of --namespace team");
    assertThat(run("apply", "-n", "team", "-f", file(POLICY.formatted("g", 1)))).isEqualTo(1);
    assertThat(err.toString()).contains("is not in a namespace");
    assertThat(run("delete", "-n", "team", "-f", file(policy))).as(err.toString()).isZero();
    assertThat(run("apply", "-f", file(policy))).isZero();
    assertThat(stored("networkpolicies", "default/p")).contains("\"namespace\":\"default\"");
  }

  @Test
  void whatCannotBeDeletedDoesNotKeepTheRest() throws Exception {
    assertThat(run("apply", "-f", file(SET.formatted("10.0.0.0/8")))).isZero();
    assertThat(run("delete", "globalnetworkset", "gone", "s")).isEqualTo(1);
    assertThat(err.toString()).contains("GlobalNetworkSet(gone) does not exist");
    assertThat(datastore.get(SET_KEY)).isEmpty();
    assertThat(run("delete", "--skip-not-exists", "globalnetworkset", "gone")).isZero();
    assertThat(run("create", "-f", file(SET.formatted("10.0.0.0/8")))).isZero();
    assertThat(run("create", "--skip-exists", "-f", file(SET.formatted("10.0.0.0/8")))).isZero();
  }

  @Test
  void labelsThatAreNotGivenStay() throws Exception {
    String set = SET.formatted("10.0.0.0/8");
    assertThat(run("apply", "-f", file(set.replace("name: s", "name: s, labels: {a: x, b: x}"))))
        .isZero();
    assertThat(run("replace", "-f", file(set.replace("name: s", "name: s, labels: {b: z}"))))
        .isZero();
    assertThat(datastore.get(SET_KEY).orElseThrow().value())
        .contains("\"labels\":{\"a\":\"x\",\"b\":\"z\"}");
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
