package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What apply, create, replace and delete do to the datastore. */
class WriteTest extends CommandFixture {

  private static final String SET =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkSet
      metadata: {name: s}
      spec: {nets: [%s]}
      """;

  private static final String SET_KEY =
      "/calico/resources/v3/projectcalico.org/globalnetworksets/s";

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
}
