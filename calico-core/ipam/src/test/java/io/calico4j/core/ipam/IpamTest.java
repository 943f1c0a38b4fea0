package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Assignment over the in-memory datastore. */
class IpamTest {
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
        Map.of("node", "host-a"));
  }

  @Test
  void aFilledPoolIsExhaustedAndEmptyAgainAfterRelease() throws Exception {
    Set<IpAddress> all = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      all.addAll(
          (i % 2 == 0 ? hostA : hostB)
              .assign(request("net.c" + i, 1), Ipam.FurtherWrites.NONE)
              .addresses());
    }
    assertThat(all).hasSize(8);
    assertThatThrownBy(() -> hostA.assign(request("net.c9", 1), Ipam.FurtherWrites.NONE))
        .isInstanceOf(PoolExhaustedException.class)
        .hasMessageContaining("small (10.65.0.0/29)");
    for (int i = 0; i < 8; i++) {
      assertThat(hostB.release(new HandleId("net.c" + i))).hasSize(1);
    }
    assertThat(datastore.list("/calico/ipam/v2/handle/").entries()).isEmpty();
    assertThat(hostB.release(new HandleId("net.c0"))).isEmpty();
  }

  @Test
  void twoAgentsRacingForTheLastAddressGiveItToOne() throws Exception {
    hostA.assign(request("net.first", 7), Ipam.FurtherWrites.NONE);
    ConcurrentLinkedQueue<IpAddress> won = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<String> lost = new ConcurrentLinkedQueue<>();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    List<Future<?>> done = new ArrayList<>();
    for (Ipam ipam : List.of(hostA, hostB)) {
      done.add(
          threads.submit(
              () -> {
                try {
                  won.addAll(
                      ipam.assign(request("net." + ipam.node(), 1), Ipam.FurtherWrites.NONE)
                          .addresses());
                } catch (PoolExhaustedException e) {
                  lost.add(ipam.node().text());
                }
                return null;
              }));
    }
    for (Future<?> future : done) {
      future.get();
    }
    threads.shutdown();
    assertThat(won).hasSize(1);
    assertThat(lost).hasSize(1);
  }

  @Test
  void aFixedAddressIsGivenOnceAndTheRefusalNamesItsHolder() throws Exception {
    assertThat(hostA.assign(request("net.a", 0, "10.65.0.5"), Ipam.FurtherWrites.NONE).addresses())
        .containsExactly(IpAddress.parse("10.65.0.5"));
    assertThatThrownBy(
            () -> hostB.assign(request("net.b", 0, "10.65.0.5"), Ipam.FurtherWrites.NONE))
        .isInstanceOf(AddressInUseException.class)
        .hasMessageContaining("net.a");
    assertThatThrownBy(
            () -> hostB.assign(request("net.b", 0, "192.0.2.1"), Ipam.FurtherWrites.NONE))
        .isInstanceOf(IpamException.class)
        .hasMessageContaining("192.0.2.1 is in no enabled IPPool");
  }

  @Test
  void unknownPoolsAndNodesAreNamed() {
    AssignRequest unknownPool =
        new AssignRequest(
            AssignRequest.Use.Workload,
            new HandleId("n.c"),
            1,
            0,
            List.of("huge"),
            List.of(),
            List.of(),
            Map.of());
    assertThatThrownBy(() -> hostA.assign(unknownPool, Ipam.FurtherWrites.NONE))
        .hasMessageContaining("\"huge\"")
        .hasMessageContaining("small");
    assertThatThrownBy(
            () ->
                new Ipam(datastore, new NodeName("nowhere"))
                    .assign(request("n.c", 1), Ipam.FurtherWrites.NONE))
        .hasMessageContaining("nowhere has no Node resource");
  }

  @Test
  void refusedFurtherWritesLeaveNothing() throws Exception {
    assertThatThrownBy(
            () ->
                hostA.assign(
                    request("net.a", 1),
                    (transaction, addresses) -> {
                      throw new io.calico4j.core.datastore.AlreadyExistsException("there", null);
                    }))
        .isInstanceOf(io.calico4j.core.datastore.AlreadyExistsException.class);
    assertThat(datastore.list(IpamKeys.ROOT).entries()).isEmpty();
  }

  @Test
  void theWatchedCopyNeverGivesAnAddressTwice() throws Exception {
    try (Ipam watching = Ipam.watching(datastore, new NodeName("host-a"))) {
      Set<IpAddress> all = new HashSet<>();
      for (int i = 0; i < 4; i++) {
        all.addAll(watching.assign(request("w.c" + i, 1), Ipam.FurtherWrites.NONE).addresses());
        all.addAll(hostB.assign(request("b.c" + i, 1), Ipam.FurtherWrites.NONE).addresses());
      }
      assertThat(all).hasSize(8);
    }
  }

  /** As after a restart of the agent, which knows none of the handles that it wrote before. */
  @Test
  void aHandleThatTheCopyDoesNotKnowIsAddedToAndReleased() throws Exception {
    try (Ipam watching = Ipam.watching(datastore, new NodeName("host-a"))) {
      for (int i = 0; i < 50; i++) {
        String handle = "net.c" + i;
        List<IpAddress> before =
            hostA.assign(request(handle, 1), Ipam.FurtherWrites.NONE).addresses();
        List<IpAddress> after =
            i % 2 == 0
                ? List.of()
                : watching.assign(request(handle, 1), Ipam.FurtherWrites.NONE).addresses();

        assertThat(hostA.addressesOf(new HandleId(handle)))
            .containsAll(before)
            .containsAll(after)
            .hasSize(1 + after.size());
        assertThat(watching.release(new HandleId(handle), owner -> true, further(i % 3 == 0)))
            .hasSize(1 + after.size());
        assertThat(datastore.get(IpamKeys.handle(new HandleId(handle)))).isEmpty();
      }
    }
  }

  private static Ipam.FurtherWrites further(boolean deleting) {
    return deleting
        ? (transaction, addresses) -> transaction.delete("/endpoint")
        : Ipam.FurtherWrites.NONE;
  }
}
