package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.IpReservationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose a block is: reservations, half-made affinities, giving back, taking over, limits. */
class IpamBlocksTest {
  private static final String ASSIGNMENTS = IpamKeys.ROOT + "assignment/";

  private final MemoryDatastore datastore = new MemoryDatastore();
  private final Ipam hostA = new Ipam(datastore, new NodeName("host-a"));
  private final Ipam hostB = new Ipam(datastore, new NodeName("host-b"));

  @BeforeEach
  void cluster() throws Exception {
    TestCluster.create(datastore, "small", "10.65.0.0/29", 30);
  }

  private static AssignRequest request(String handle, int count, String... fixed) {
    return new AssignRequest(
        AssignRequest.Use.Workload,
        new HandleId(handle),
        count,
        0,
        List.of(),
        List.of(),
        java.util.Arrays.stream(fixed).map(IpAddress::parse).toList(),
        Map.of());
  }

  private List<IpAddress> assign(Ipam ipam, String handle, int count, String... fixed)
      throws Exception {
    return ipam.assign(request(handle, count, fixed), Ipam.FurtherWrites.NONE).addresses();
  }

  private void reserve(String... cidrs) throws Exception {
    new ResourceClient(datastore)
        .create(
            Resource.create(
                ResourceKind.IP_RESERVATION,
                Metadata.named(null, "kept"),
                new IpReservationSpec(List.of(cidrs))));
  }

  private void config(String json) throws Exception {
    datastore.commit(Transaction.builder().put(IpamKeys.CONFIG, json).build());
  }

  @Test
  void aReservedAddressIsGivenOnlyToWhoAsksForIt() throws Exception {
    reserve("10.65.0.0/30", "10.65.0.5");
    assertThat(assign(hostA, "n.a", 3))
        .extracting(IpAddress::toString)
        .containsExactlyInAnyOrder("10.65.0.4", "10.65.0.6", "10.65.0.7");
    assertThatThrownBy(() -> assign(hostA, "n.b", 1)).isInstanceOf(PoolExhaustedException.class);
    assertThat(assign(hostA, "n.c", 0, "10.65.0.5")).hasSize(1);
    assertThat(hostA.blocksOf(IpFamily.IPV4)).containsExactly(Cidr.parse("10.65.0.4/30"));
  }

  @Test
  void anEmptyBlockGoesBackAndAnUsedOneDoesNot() throws Exception {
    assign(hostA, "n.a", 4);
    assign(hostA, "n.b", 1);
    hostA.release(new HandleId("n.a"));
    assertThat(hostA.blocksOf(IpFamily.IPV4)).hasSize(2);
    assertThat(hostA.releaseEmptyBlocks(1)).isEmpty();
    assertThat(hostA.releaseEmptyBlocks(0)).hasSize(1);
    assertThat(hostA.blocksOf(IpFamily.IPV4)).hasSize(1);
    hostA.release(new HandleId("n.b"));
    assertThat(hostA.releaseEmptyBlocks(0)).hasSize(1);
    assertThat(datastore.list(IpamKeys.ROOT).entries()).isEmpty();
  }

  @Test
  void blocksThatAreGivenBackKeepTheirAddressesUntilTheyAreReleased() throws Exception {
    List<IpAddress> held = assign(hostA, "n.a", 1);
    hostA.releaseAffinitiesIn(Cidr.parse("10.65.0.0/16"));
    hostA.releaseAffinitiesIn(Cidr.parse("10.65.0.0/16"));
    assertThat(hostA.blocksOf(IpFamily.IPV4)).isEmpty();
    assertThat(hostB.addressesOf(new HandleId("n.a"))).isEqualTo(held);
    hostB.release(new HandleId("n.a"));
    assertThat(datastore.list(IpamKeys.ROOT).entries()).isEmpty();
  }

  /** The name of an affinity's host may be none: it is found and deleted as it is stored. */
  @ParameterizedTest
  @ValueSource(strings = {"Host_B", "host b", "-"})
  void blocksOfAHostWithAnImpossibleNameAreGivenBackAndTakenOver(String host) throws Exception {
    config("{\"strict_affinity\":true,\"auto_allocate_blocks\":true}");
    List<String> keys = new ArrayList<>();
    for (Cidr cidr : List.of(Cidr.parse("10.65.0.0/30"), Cidr.parse("10.65.0.4/30"))) {
      String old = Block.empty(cidr, "host:" + host, "2026-01-01T00:00:00Z", 7).toJson();
      keys.add(new IpamKeys.Affinity(host, cidr).key());
      datastore.commit(
          Transaction.builder()
              .put(IpamKeys.block(cidr), old)
              .put(new IpamKeys.Affinity(host, cidr).key(), "{\"state\":\"confirmed\"}")
              .build());
    }
    assertThat(assign(hostA, "n.a", 1)).hasSize(1);
    assertThat(datastore.list(IpamKeys.HOSTS + host).entries()).hasSize(1);
    hostA.releaseAffinitiesIn(Cidr.parse("10.65.0.0/16"));
    for (String key : keys) {
      assertThat(datastore.get(key)).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pending", "pendingDeletion"})
  void anAffinityThatSomebodyLeftHalfMadeIsConfirmedByItsUse(String state) throws Exception {
    IpAddress first = assign(hostA, "n.a", 1).get(0);
    String key = IpamKeys.affinity(new NodeName("host-a"), new Cidr(first, 30));
    datastore.commit(
        Transaction.builder().put(key, "{\"state\":\"" + state + "\",\"deleted\":false}").build());
    assertThat(new Cidr(assign(hostA, "n.b", 1).get(0), 30)).isEqualTo(new Cidr(first, 30));
    assertThat(datastore.get(key).orElseThrow().value()).contains("\"confirmed\"");
  }

  @Test
  void anAffinityWithoutBlockIsFinishedAndOneToAnothersBlockGoes() throws Exception {
    IpAddress theirs = assign(hostB, "n.b", 1).get(0);
    Cidr othersBlock = new Cidr(theirs, 30);
    Cidr noBlock =
        othersBlock.equals(Cidr.parse("10.65.0.0/30"))
            ? Cidr.parse("10.65.0.4/30")
            : Cidr.parse("10.65.0.0/30");
    for (Cidr cidr : List.of(othersBlock, noBlock)) {
      datastore.commit(
          Transaction.builder()
              .put(IpamKeys.affinity(new NodeName("host-a"), cidr), "{\"state\":\"pending\"}")
              .build());
    }
    assertThat(assign(hostA, "n.a", 4)).allMatch(noBlock::contains);
    assertThat(hostA.blocksOf(IpFamily.IPV4)).containsExactly(noBlock);
  }

  @Test
  void anEmptyBlockOfAnotherHostIsTakenOverOnceItIsOld() throws Exception {
    config("{\"strict_affinity\":true,\"auto_allocate_blocks\":true}");
    assign(hostB, "n.b", 8);
    hostB.release(new HandleId("n.b"));
    assertThatThrownBy(() -> assign(hostA, "n.a", 1))
        .as("claimed a moment ago")
        .isInstanceOf(PoolExhaustedException.class);
    for (var entry : datastore.list(ASSIGNMENTS).entries()) {
      Block block = Block.parse(entry.value());
      String old = Block.empty(block.cidr(), "host:host-b", "2026-01-01T00:00:00Z", 7).toJson();
      datastore.commit(Transaction.builder().put(entry.key(), old).build());
    }
    Cidr taken = new Cidr(assign(hostA, "n.a", 1).get(0), 30);
    assertThat(hostA.blocksOf(IpFamily.IPV4)).containsExactly(taken);
    assertThat(hostB.blocksOf(IpFamily.IPV4)).hasSize(1).doesNotContain(taken);
  }

  @Test
  void strictAffinityDoesNotBorrowAndTheLimitOfBlocksHolds() throws Exception {
    config("{\"strict_affinity\":true,\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":1}");
    assign(hostA, "n.a", 4);
    assertThatThrownBy(() -> assign(hostA, "n.b", 1)).isInstanceOf(PoolExhaustedException.class);
    config("{\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":1}");
    assign(hostB, "n.c", 1);
    assertThat(assign(hostA, "n.b", 1)).as("borrowed from host-b").hasSize(1);
    assertThat(hostA.blocksOf(IpFamily.IPV4)).hasSize(1);
  }
}
