package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One attempt's decisions: from which block each address comes, and whose the block is then. */
class AssignerTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final Cidr LOW = Cidr.parse("10.65.0.0/30");
  private static final Cidr HIGH = Cidr.parse("10.65.0.4/30");
  private static final String STRICT = "{\"strict_affinity\":true,\"auto_allocate_blocks\":true}";

  private final MemoryDatastore datastore = new MemoryDatastore();

  @BeforeEach
  void cluster() throws Exception {
    TestCluster.create(datastore, "small", "10.65.0.0/29", 30);
  }

  private IpamAttempt attempt() {
    return IpamAttempt.of(
        Reads.direct(datastore), new DecodeCache(), Clock.fixed(NOW, ZoneOffset.UTC), List.of());
  }

  private static AssignRequest request(String handle, int ipv4, int ipv6, String... fixed) {
    return new AssignRequest(
        AssignRequest.Use.Workload,
        new HandleId(handle),
        ipv4,
        ipv6,
        List.of(),
        List.of(),
        Arrays.stream(fixed).map(IpAddress::parse).toList(),
        Map.of());
  }

  private void commit(IpamAttempt attempt) throws Exception {
    Transaction.Builder builder = Transaction.builder();
    attempt.changes().addTo(builder);
    long unused = datastore.commit(builder.build());
  }

  /** Decides and commits. */
  private List<IpAddress> assign(String node, String handle, int count, String... fixed)
      throws Exception {
    IpamAttempt attempt = attempt();
    List<IpAddress> addresses =
        attempt.assigner(new NodeName(node)).assign(request(handle, count, 0, fixed));
    commit(attempt);
    return addresses;
  }

  private void put(String key, String value) throws Exception {
    long unused = datastore.commit(Transaction.builder().put(key, value).build());
  }

  /** Stores an empty block of a host, claimed so many seconds ago. */
  private void claimed(String node, Cidr cidr, long secondsAgo) throws Exception {
    Instant then = NOW.minusSeconds(secondsAgo);
    put(
        IpamKeys.block(cidr),
        Block.empty(cidr, "host:" + node, then.toString(), then.getEpochSecond()).toJson());
    put(IpamKeys.affinity(new NodeName(node), cidr), "{\"state\":\"confirmed\",\"deleted\":false}");
  }

  private String affinityOf(Cidr cidr) throws Exception {
    Entry entry = datastore.get(IpamKeys.block(cidr)).orElseThrow();
    return String.valueOf(Block.parse(entry.value()).affinity());
  }

  /** Whose an address's block is, and whose affinity is stored. */
  private boolean isOf(String node, Cidr cidr) throws Exception {
    return affinityOf(cidr).equals("host:" + node)
        && datastore.get(IpamKeys.affinity(new NodeName(node), cidr)).isPresent();
  }

  /** The reference values of 32-bit FNV-1, modulo the 1024 blocks of the pool. */
  @ParameterizedTest
  @CsvSource({
    "a, 0x050c5d7e, 10.66.95.128",
    "b, 0x050c5d7d, 10.66.95.64",
    "foobar, 0x31f0b262, 10.66.152.128"
  })
  void aNodesFirstBlockIsWhereItsNameHashesTo(String node, String hash, String first)
      throws Exception {
    pool("large", "10.66.0.0/16", 26);
    new ResourceClient(datastore).create(Resources.node(node));
    IpamAttempt attempt = attempt();
    AssignRequest fromLarge =
        new AssignRequest(
            AssignRequest.Use.Workload,
            new HandleId("net.a"),
            1,
            0,
            List.of("large"),
            List.of(),
            List.of(),
            Map.of());
    IpAddress start = IpAddress.parse("10.66.0.0").plus((Long.decode(hash) % 1024) * 64);
    assertThat(start).hasToString(first);
    assertThat(attempt.assigner(new NodeName(node)).assign(fromLarge)).containsExactly(start);
  }

  private void pool(String name, String cidr, int blockSize) throws Exception {
    new ResourceClient(datastore).create(Resources.pool(name, cidr).blockSize(blockSize).build());
  }

  @Test
  void theAnswerIsFixedThenIpv4ThenIpv6() throws Exception {
    pool("six", "fd00:65::/122", 122);
    IpamAttempt attempt = attempt();
    List<IpAddress> addresses =
        attempt
            .assigner(new NodeName("host-a"))
            .assign(request("net.a", 1, 1, "fd00:65::7", "10.65.0.2"));
    assertThat(addresses).hasSize(4).doesNotHaveDuplicates();
    assertThat(addresses.subList(0, 2)).hasToString("[fd00:65::7, 10.65.0.2]");
    assertThat(addresses.get(2).isV4()).isTrue();
    assertThat(addresses.get(3).isV4()).isFalse();
  }

  @Test
  void aBlockIsClaimedWithAConfirmedAffinityAndTheHandleCountsIt() throws Exception {
    assign("host-a", "net.a", 2, "10.65.0.5");
    assertThat(isOf("host-a", HIGH)).isTrue();
    Entry affinity = datastore.get(IpamKeys.affinity(new NodeName("host-a"), HIGH)).orElseThrow();
    assertThat(affinity.value()).isEqualTo("{\"state\":\"confirmed\",\"deleted\":false}");
    assertThat(datastore.get(IpamKeys.handle(new HandleId("net.a"))).orElseThrow().value())
        .contains("\"10.65.0.4/30\":3");
    assertThat(datastore.get(IpamKeys.block(LOW))).as("the block had room").isEmpty();
  }

  @Test
  void whatOneAttemptHasClaimedServesTheNextRequestOfIt() throws Exception {
    IpamAttempt attempt = attempt();
    List<IpAddress> first = attempt.assigner(new NodeName("host-a")).assign(request("net.a", 1, 0));
    List<IpAddress> second =
        attempt.assigner(new NodeName("host-a")).assign(request("net.b", 3, 0));
    assertThat(second).hasSize(3).doesNotContainAnyElementsOf(first);
    commit(attempt);
    assertThat(datastore.list(IpamKeys.BLOCKS).entries()).hasSize(1);
    assertThat(datastore.list(IpamKeys.HOSTS).entries()).hasSize(1);
  }

  /** Older than a minute is old enough. */
  @ParameterizedTest
  @CsvSource({"0, false", "59, false", "60, false", "61, true", "86400, true"})
  void anothersEmptyBlockIsTakenOverByItsAge(long seconds, boolean taken) throws Exception {
    put(IpamKeys.CONFIG, STRICT);
    claimed("host-b", LOW, seconds);
    claimed("host-b", HIGH, 0);
    if (taken) {
      assertThat(assign("host-a", "net.a", 1)).allMatch(LOW::contains);
      assertThat(datastore.get(IpamKeys.affinity(new NodeName("host-b"), LOW))).isEmpty();
      assertThat(isOf("host-b", HIGH)).isTrue();
    } else {
      assertThatThrownBy(() -> assign("host-a", "net.a", 1))
          .isInstanceOf(PoolExhaustedException.class);
    }
    assertThat(isOf("host-a", LOW)).isEqualTo(taken);
    assertThat(isOf("host-b", LOW)).isNotEqualTo(taken);
  }

  @Test
  void anothersOldBlockThatHoldsAnAddressIsBorrowedFromAndNotTakenOver() throws Exception {
    claimed("host-b", LOW, 3600);
    claimed("host-b", HIGH, 0);
    assign("host-b", "net.b", 0, "10.65.0.1");
    assertThat(assign("host-a", "net.a", 1)).allMatch(LOW::contains);
    assertThat(isOf("host-b", LOW)).isTrue();
    assertThat(datastore.get(IpamKeys.affinity(new NodeName("host-a"), LOW))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 4, true",
    "1, 5, false",
    "2, 5, true",
    "2, 8, true",
    "2, 9, false",
    "20, 9, false"
  })
  void aHostClaimsNoMoreBlocksThanItMay(int limit, int count, boolean served) throws Exception {
    put(
        IpamKeys.CONFIG,
        "{\"strict_affinity\":true,\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":"
            + limit
            + "}");
    if (served) {
      assertThat(assign("host-a", "net.a", count)).hasSize(count).doesNotHaveDuplicates();
      assertThat(datastore.list(IpamKeys.BLOCKS).entries()).hasSize((count + 3) / 4);
    } else {
      assertThatThrownBy(() -> assign("host-a", "net.a", count))
          .isInstanceOf(PoolExhaustedException.class)
          .hasMessageContaining("host-a")
          .hasMessageContaining("small");
    }
  }

  /** Without automatic claims a host lives on its own blocks, and on others' unless strict. */
  @ParameterizedTest
  @CsvSource({"host-a, true, true", "host-b, false, true", "host-b, true, false"})
  void aHostThatMayNotClaim(String owner, boolean strict, boolean served) throws Exception {
    put(IpamKeys.CONFIG, "{\"strict_affinity\":" + strict + ",\"auto_allocate_blocks\":false}");
    claimed(owner, HIGH, 3600);
    if (served) {
      assertThat(assign("host-a", "net.a", 1)).allMatch(HIGH::contains);
    } else {
      assertThatThrownBy(() -> assign("host-a", "net.a", 1))
          .isInstanceOf(PoolExhaustedException.class);
    }
    assertThat(isOf(owner, HIGH)).isTrue();
    assertThat(datastore.list(IpamKeys.BLOCKS).entries()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"host-a, true, true", "host-b, false, true", "host-b, true, false"})
  void aFixedAddressOfABlock(String owner, boolean strict, boolean served) throws Exception {
    put(IpamKeys.CONFIG, strict ? STRICT : "{\"auto_allocate_blocks\":true}");
    claimed(owner, LOW, 0);
    if (served) {
      assertThat(assign("host-a", "net.a", 0, "10.65.0.2")).hasToString("[10.65.0.2]");
    } else {
      assertThatThrownBy(() -> assign("host-a", "net.a", 0, "10.65.0.2"))
          .isInstanceOf(IpamException.class)
          .hasMessageContaining("10.65.0.2")
          .hasMessageContaining("host:host-b")
          .hasMessageContaining("strict affinity");
    }
    assertThat(isOf(owner, LOW)).as("a fixed address moves no block").isTrue();
  }

  @Test
  void aFixedAddressThatIsHeldNamesItsHolder() throws Exception {
    assign("host-b", "net.b", 0, "10.65.0.2");
    assertThatThrownBy(() -> assign("host-a", "net.a", 1, "10.65.0.2"))
        .isInstanceOf(AddressInUseException.class)
        .hasMessageContaining("10.65.0.2")
        .hasMessageContaining("net.b");
  }

  @Test
  void aDamagedBlockOfOnesOwnIsPassedOverAndStaysAsItIs() throws Exception {
    claimed("host-a", LOW, 0);
    put(IpamKeys.block(LOW), "{damaged");
    assertThat(assign("host-a", "net.a", 4)).allMatch(HIGH::contains);
    assertThat(datastore.get(IpamKeys.block(LOW)).orElseThrow().value()).isEqualTo("{damaged");
  }
}
