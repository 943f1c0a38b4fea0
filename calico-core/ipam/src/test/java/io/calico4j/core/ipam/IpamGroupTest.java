package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.PassingDatastore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Requests that arrive together share a transaction, and fail each for itself. */
class IpamGroupTest {
  private static final int CALLERS = 32;

  private final MemoryDatastore memory = new MemoryDatastore();
  private final SlowDatastore datastore = new SlowDatastore(memory);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
  private final ExecutorService threads = Executors.newFixedThreadPool(CALLERS);

  @BeforeEach
  void cluster() throws Exception {
    TestCluster.create(memory, "pool", "10.65.0.0/24", 26);
  }

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private static AssignRequest request(String handle, int count) {
    return new AssignRequest(
        AssignRequest.Use.Workload,
        new HandleId(handle),
        count,
        0,
        List.of(),
        List.of(),
        List.of(),
        Map.of());
  }

  private <T> List<Future<T>> all(List<Callable<T>> calls) throws InterruptedException {
    return threads.invokeAll(calls, 30, TimeUnit.SECONDS);
  }

  private Callable<IpAddress> assign(String handle) {
    return () -> ipam.assign(request(handle, 1), Ipam.FurtherWrites.NONE).addresses().get(0);
  }

  @Test
  void callersShareTransactionsAndNoAddressIsGivenTwice() throws Exception {
    List<Callable<IpAddress>> calls = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      calls.add(assign("net.c" + i));
    }
    TreeSet<String> addresses = new TreeSet<>();
    for (Future<IpAddress> call : all(calls)) {
      addresses.add(call.get().toString());
    }
    assertThat(addresses).hasSize(200);
    assertThat(datastore.commits.get()).isLessThan(100);

    List<Callable<Integer>> releases = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String handle = "net.c" + i;
      releases.add(() -> ipam.release(new HandleId(handle)).size());
    }
    for (Future<Integer> call : all(releases)) {
      assertThat(call.get()).isEqualTo(1);
    }
    assertThat(memory.list("/calico/ipam/v2/handle/").entries()).isEmpty();
    for (Entry block : memory.list("/calico/ipam/v2/assignment/").entries()) {
      assertThat(block.value()).doesNotContain("handle_id");
    }
  }

  @Test
  void aGroupThatFillsABlockClaimsOneMore() throws Exception {
    var unused = ipam.assign(request("net.before", 60), Ipam.FurtherWrites.NONE);
    List<Callable<IpAddress>> calls = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      calls.add(assign("net.c" + i));
    }
    for (Future<IpAddress> call : all(calls)) {
      assertThat(call.get()).isNotNull();
    }
    assertThat(memory.list("/calico/ipam/v2/assignment/").entries()).hasSize(2);
    assertThat(memory.list("/calico/ipam/v2/host/").entries()).hasSize(2);
  }

  @Test
  void whoCannotBeServedFailsAloneAndTheOthersAreServed() throws Exception {
    List<Callable<String>> calls = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      String handle = "net.c" + i;
      calls.add(
          switch (i % 3) {
            case 0 -> () -> outcome(handle, 1, Ipam.FurtherWrites.NONE);
            case 1 -> () -> outcome(handle, 300, Ipam.FurtherWrites.NONE);
            default ->
                () ->
                    outcome(
                        handle,
                        1,
                        (transaction, addresses) -> {
                          throw new AlreadyExistsException("there", null);
                        });
          });
    }
    List<Future<String>> outcomes = all(calls);
    for (int i = 0; i < 60; i++) {
      assertThat(outcomes.get(i).get())
          .isEqualTo(
              switch (i % 3) {
                case 0 -> "served";
                case 1 -> "PoolExhaustedException";
                default -> "AlreadyExistsException";
              });
    }
    assertThat(memory.list("/calico/ipam/v2/handle/").entries()).hasSize(20);
  }

  private String outcome(String handle, int count, Ipam.FurtherWrites further)
      throws DatastoreException {
    try {
      return ipam.assign(request(handle, count), further).addresses().size() == count
          ? "served"
          : "too few";
    } catch (IpamException | AlreadyExistsException e) {
      return e.getClass().getSimpleName();
    }
  }

  @Test
  void twoHostsThatBorrowFromEachOtherFillThePoolExactly() throws Exception {
    Ipam other = new Ipam(datastore, new NodeName("host-b"));
    List<Callable<String>> calls = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      Ipam of = i % 2 == 0 ? ipam : other;
      String handle = "net.c" + i;
      calls.add(
          () -> {
            try {
              return of.assign(request(handle, 1), Ipam.FurtherWrites.NONE).addresses().toString();
            } catch (PoolExhaustedException e) {
              return "exhausted";
            }
          });
    }
    List<String> outcomes = new ArrayList<>();
    for (Future<String> call : all(calls)) {
      outcomes.add(call.get());
    }
    outcomes.removeIf("exhausted"::equals);
    assertThat(outcomes).hasSize(256).doesNotHaveDuplicates();
  }

  @Test
  void aDeletedHandleThatTheCopyHasNotSeenIsReleasedAllTheSame() throws Exception {
    try (Ipam watching = Ipam.watching(datastore, new NodeName("host-a"))) {
      IpAddress address =
          watching.assign(request("net.x", 1), Ipam.FurtherWrites.NONE).addresses().get(0);
      Ipam elsewhere = new Ipam(datastore, new NodeName("host-b"));
      for (int i = 0; i < 50; i++) {
        assertThat(elsewhere.release(new HandleId("net.x"))).hasSize(1);
        assertThat(watching.assign(request("net.x", 1), Ipam.FurtherWrites.NONE).addresses())
            .doesNotContain(address);
        assertThat(elsewhere.release(new HandleId("net.x"))).hasSize(1);
        address = elsewhere.assign(request("net.x", 1), Ipam.FurtherWrites.NONE).addresses().get(0);
        assertThat(
                watching.release(
                    new HandleId("net.x"),
                    owner -> true,
                    (transaction, a) -> transaction.delete("/x")))
            .containsExactly(address);
        address = watching.assign(request("net.x", 1), Ipam.FurtherWrites.NONE).addresses().get(0);
      }
    }
  }

  /** Commits slowly, and counts. */
  private static final class SlowDatastore extends PassingDatastore {
    private final AtomicInteger commits = new AtomicInteger();

    SlowDatastore(Datastore real) {
      super(real);
    }

    @Override
    public long commit(Transaction transaction) throws DatastoreException {
      commits.incrementAndGet();
      try {
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return super.commit(transaction);
    }
  }
}
