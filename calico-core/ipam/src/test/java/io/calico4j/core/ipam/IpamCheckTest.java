package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each fault is reported once, under its name, and a sound cluster has none. */
class IpamCheckTest {
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final Ipam host = new Ipam(datastore, new NodeName("host-a"));

  @BeforeEach
  void cluster() throws Exception {
    TestCluster.create(datastore, "small", "10.65.0.0/29", 30);
  }

  private IpAddress assign(String handle) throws Exception {
    return host.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                new HandleId(handle),
                1,
                0,
                List.of(),
                List.of(),
                List.of(),
                Map.of()),
            Ipam.FurtherWrites.NONE)
        .addresses()
        .get(0);
  }

  private void endpoint(String container, String address) throws Exception {
    new ResourceClient(datastore)
        .create(Resources.endpoint("host-a", container).addresses(address).build());
  }

  private void put(String key, String value) throws Exception {
    datastore.commit(Transaction.builder().put(key, value).build());
  }

  private List<String> problems() throws Exception {
    return IpamCheck.run(datastore).stream().map(p -> p.kind() + " " + p.subject()).toList();
  }

  @Test
  void aSoundClusterHasNoProblem() throws Exception {
    endpoint("c1", assign("net.c1").toString());
    assertThat(problems()).isEmpty();
  }

  @Test
  void addressesThatAreAssignedOrUsedOnlyAreReported() throws Exception {
    IpAddress leaked = assign("net.c1");
    endpoint("c2", "10.65.0." + (leaked.toString().endsWith("7") ? "6" : "7"));
    endpoint("c3", "192.0.2.9");
    assertThat(problems()).hasSize(2).contains("LEAKED " + leaked);
    assertThat(problems()).anyMatch(p -> p.startsWith("NOT_ASSIGNED 10.65.0."));
    endpoint("c4", leaked.toString());
    endpoint("c5", leaked.toString());
    assertThat(problems()).contains("SEVERAL_USERS " + leaked).doesNotContain("LEAKED " + leaked);
  }

  @Test
  void handlesAndAffinitiesThatDoNotFitAreReported() throws Exception {
    IpAddress used = assign("net.c1");
    endpoint("c1", used.toString());
    Cidr block = new Cidr(used, 30);
    put(IpamKeys.handle(new HandleId("net.orphan")), "{\"block\":{\"" + block + "\":1}}");
    put(IpamKeys.affinity(new NodeName("host-b"), block), "{\"state\":\"confirmed\"}");
    put(IpamKeys.handle(new HandleId("net.broken")), "[");
    assertThat(problems())
        .containsExactly(
            "WRONG_HANDLE net.orphan",
            "WRONG_AFFINITY " + IpamKeys.affinity(new NodeName("host-b"), block),
            "UNREADABLE " + IpamKeys.handle(new HandleId("net.broken")));
    datastore.commit(Transaction.builder().delete(IpamKeys.handle(new HandleId("net.c1"))).build());
    assertThat(problems()).contains("WRONG_HANDLE net.c1");
  }

  /** The id of an address's handle may be none: it costs the count only. */
  @ParameterizedTest
  @ValueSource(strings = {"", "net/c1"})
  void anAddressWhoseHandleHasAnImpossibleIdIsReleased(String id) throws Exception {
    IpAddress first = assign("net.c1");
    IpAddress second = assign("net.c2");
    Entry block = datastore.get(IpamKeys.block(new Cidr(first, 30))).orElseThrow();
    put(block.key(), block.value().replace("\"net.c1\"", "\"" + id + "\""));

    assertThat(host.ownerOf(first).orElseThrow().handle()).isEmpty();
    assertThat(host.release(first)).isTrue();
    assertThat(host.ownerOf(first)).isEmpty();
    assertThat(host.addressesOf(new HandleId("net.c2"))).containsExactly(second);
  }

  @Test
  void anIpamOfTheClusterReleasesAndAssignsNothing() throws Exception {
    IpAddress address = assign("net.c1");
    try (Ipam cluster = Ipam.ofCluster(datastore)) {
      assertThatThrownBy(cluster::node).hasMessageContaining("no node");
      assertThat(cluster.release(address)).isTrue();
    }
  }

  /** A handle that cannot be read does not keep its container's addresses. */
  @ParameterizedTest
  @ValueSource(strings = {"[", "null", "{\"block\":{\"10.65.0.0\":\"x\"}}", ""})
  void whatADamagedHandleHoldsIsReleased(String damaged) throws Exception {
    IpAddress first = assign("net.c1");
    IpAddress second = assign("net.c2");
    put(IpamKeys.handle(new HandleId("net.c1")), damaged);

    assertThat(host.addressesOf(new HandleId("net.c1"))).containsExactly(first);
    assertThat(host.release(new HandleId("net.c1"))).containsExactly(first);
    assertThat(datastore.get(IpamKeys.handle(new HandleId("net.c1")))).isEmpty();
    assertThat(host.addressesOf(new HandleId("net.c2"))).containsExactly(second);
    assertThat(problems()).noneMatch(problem -> problem.contains("net.c1"));
  }

  private IpAddress assigned(String handle, Map<String, String> attributes) throws Exception {
    return host.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                new HandleId(handle),
                1,
                0,
                List.of(),
                List.of(),
                List.of(),
                attributes),
            Ipam.FurtherWrites.NONE)
        .addresses()
        .get(0);
  }

  private List<String> repair(List<IpamCheck.Problem> before) throws Exception {
    return IpamRepair.run(datastore, before).stream()
        .map(p -> p.kind() + " " + p.subject())
        .toList();
  }

  @Test
  void whatIsCertainIsRepairedAndWhatIsDoubtfulIsNot() throws Exception {
    IpAddress ofEndpoint = assigned("net.c1", Map.of("node", "host-a", "interface", "eth0"));
    IpAddress reserved = assigned("task-1", Map.of("node", "host-a"));
    IpAddress ofGoneNode =
        assigned("tunnel", Map.of("node", "host-z", "type", "ipipTunnelAddress"));
    Cidr block = new Cidr(ofEndpoint, 30);
    put(IpamKeys.handle(new HandleId("net.orphan")), "{\"block\":{\"" + block + "\":1}}");
    put(IpamKeys.affinity(new NodeName("host-b"), block), "{\"state\":\"confirmed\"}");
    datastore.commit(Transaction.builder().delete(IpamKeys.handle(new HandleId("task-1"))).build());
    endpoint("c9", "10.65.0.7");

    assertThat(repair(IpamCheck.run(datastore)))
        .containsExactlyInAnyOrder(
            "LEAKED " + ofEndpoint,
            "LEAKED " + ofGoneNode,
            "WRONG_HANDLE net.orphan",
            "WRONG_HANDLE task-1",
            "WRONG_AFFINITY " + IpamKeys.affinity(new NodeName("host-b"), block));
    assertThat(problems()).containsExactly("LEAKED " + reserved, "NOT_ASSIGNED 10.65.0.7");
    assertThat(host.addressesOf(new HandleId("task-1"))).containsExactly(reserved);
  }

  @Test
  void whatChangedSinceTheFirstCheckIsNotTouched() throws Exception {
    Map<String, String> attributes = Map.of("node", "host-a", "interface", "eth0");
    IpAddress address = assigned("net.c1", attributes);
    put(IpamKeys.handle(new HandleId("net.orphan")), "{\"block\":{\"10.65.0.4/30\":1}}");
    List<IpamCheck.Problem> before = IpamCheck.run(datastore);

    host.release(new HandleId("net.c1"));
    host.assign(
        new AssignRequest(
            AssignRequest.Use.Workload,
            new HandleId("net.c1"),
            0,
            0,
            List.of(),
            List.of(),
            List.of(address),
            attributes),
        Ipam.FurtherWrites.NONE);
    put(IpamKeys.handle(new HandleId("net.orphan")), "{\"block\":{\"10.65.0.4/30\":1}}");

    assertThat(repair(before)).isEmpty();
    assertThat(host.addressesOf(new HandleId("net.c1"))).containsExactly(address);
  }
}
