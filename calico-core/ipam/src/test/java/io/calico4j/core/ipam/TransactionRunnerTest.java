package io.calico4j.core.ipam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.ipam.Ipam.Assignment;
import io.calico4j.core.ipam.Ipam.FurtherWrites;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.PassingDatastore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which decisions share a transaction, and which are made again, on which reads. */
@Timeout(60)
class TransactionRunnerTest {
  private static final int MAX_OPERATIONS = 120;

  private final MemoryDatastore memory = new MemoryDatastore();
  private final Observed datastore = new Observed(memory);
  private final Ipam elsewhere = new Ipam(memory, new NodeName("host-a"));
  private final TransactionRunner runner = runner(Optional.empty());
  private @Nullable WatchedReads old;

  @BeforeEach
  void cluster() throws Exception {
    TestCluster.create(memory, "pool", "10.65.0.0/30", 30);
  }

  @AfterEach
  void stop() {
    if (old != null) {
      old.close();
    }
    memory.close();
  }

  private TransactionRunner runner(Optional<WatchedReads> watched) {
    return new TransactionRunner(
        datastore, Clock.systemUTC(), Reads.direct(datastore), watched, List::of);
  }

  /** Makes a runner whose watched copy never hears of what happens from now on. */
  private TransactionRunner runnerOnOldCopy() throws Exception {
    WatchedReads copy = new WatchedReads(datastore);
    old = copy;
    int before;
    do {
      TimeUnit.MILLISECONDS.sleep(1);
      before = datastore.gets.get();
      var unused = copy.get(IpamKeys.CONFIG);
    } while (datastore.gets.get() > before);
    return runner(Optional.of(copy));
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

  private static TransactionRunner.Decision assign(String handle, int count) {
    return attempt -> attempt.assigner(new NodeName("host-a")).assign(request(handle, count));
  }

  private List<IpAddress> assignElsewhere(String handle, int count) {
    try {
      return elsewhere.assign(request(handle, count), FurtherWrites.NONE).addresses();
    } catch (DatastoreException | IpamException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One caller. */
  private record Call(TransactionRunner.Decision decision, FurtherWrites further) {
    static Call of(TransactionRunner.Decision decision) {
      return new Call(decision, FurtherWrites.NONE);
    }
  }

  /**
   * Lets several callers meet: the first one's decision lasts until the others wait in the queue,
   * in their order. Returns what each got: an assignment, or what was thrown.
   */
  private static List<Object> together(TransactionRunner runner, List<Call> calls)
      throws Exception {
    List<FutureTask<Object>> tasks = new ArrayList<>();
    TransactionRunner.Decision first =
        attempt -> {
          for (Call call : tasks.isEmpty() ? calls : List.<Call>of()) {
            FutureTask<Object> task = new FutureTask<>(() -> outcome(runner, call));
            tasks.add(task);
            Thread thread = new Thread(task, "caller");
            thread.start();
            while (!(LockSupport.getBlocker(thread) instanceof GroupCommit)) {
              Thread.onSpinWait();
            }
          }
          return List.of();
        };
    assertThat(runner.run(first, FurtherWrites.NONE)).isEqualTo(new Assignment(List.of(), 0));
    List<Object> outcomes = new ArrayList<>();
    for (FutureTask<Object> task : tasks) {
      outcomes.add(task.get(30, TimeUnit.SECONDS));
    }
    return outcomes;
  }

  private static Object outcome(TransactionRunner runner, Call call) {
    try {
      return runner.run(call.decision(), call.further());
    } catch (DatastoreException | IpamException | RuntimeException e) {
      return e;
    }
  }

  private static List<IpAddress> addresses(Object... outcomes) {
    List<IpAddress> all = new ArrayList<>();
    for (Object outcome : outcomes) {
      assertThat(outcome).isInstanceOf(Assignment.class);
      all.addAll(((Assignment) outcome).addresses());
    }
    return all;
  }

  @Test
  void thoseWhoMeetShareOneTransaction() throws Exception {
    List<Object> outcomes =
        together(
            runner,
            List.of(
                Call.of(assign("net.a", 1)),
                Call.of(assign("net.b", 2)),
                Call.of(assign("net.c", 1))));
    assertThat(datastore.commits).hasSize(1);
    assertThat(addresses(outcomes.toArray())).hasSize(4).doesNotHaveDuplicates();
    long revision = memory.get(IpamKeys.handle(new HandleId("net.a"))).orElseThrow().revision();
    assertThat(outcomes).extracting(o -> ((Assignment) o).revision()).containsOnly(revision);
    assertThat(elsewhere.addressesOf(new HandleId("net.b"))).isEqualTo(addresses(outcomes.get(1)));
  }

  /** etcd takes 128 operations; whoever wants more for itself has a transaction of its own. */
  @ParameterizedTest
  @CsvSource({
    "3, 40, '120'",
    "3, 41, '82,41'",
    "2, 121, '121,121'",
    "5, 60, '120,120,60'",
    "120, 1, '120'",
    "121, 1, '120,1'"
  })
  void aTransactionHoldsABoundedNumberOfWrites(int callers, int writesEach, String sizes)
      throws Exception {
    List<Call> calls = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      String prefix = "/test/" + i + "/";
      calls.add(
          new Call(
              attempt -> List.of(),
              (transaction, addresses) -> {
                for (int k = 0; k < writesEach; k++) {
                  transaction.put(prefix + k, "x");
                }
              }));
    }
    List<Object> outcomes = together(runner, calls);
    assertThat(outcomes).hasSize(callers).allMatch(o -> o instanceof Assignment);
    assertThat(datastore.commits)
        .extracting(t -> t.writes().size())
        .containsExactly(
            java.util.Arrays.stream(sizes.split(","))
                .map(Integer::valueOf)
                .toArray(Integer[]::new));
    assertThat(memory.list("/test/").entries()).hasSize(callers * writesEach);
  }

  @Test
  void aTransactionsConditionsCountAsWritesDo() throws Exception {
    List<Call> calls = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      String prefix = "/test/" + i + "/";
      calls.add(
          new Call(
              attempt -> List.of(),
              (transaction, addresses) -> {
                transaction.put(prefix, "x");
                for (int k = 0; k < MAX_OPERATIONS / 2 + 1; k++) {
                  transaction.require(prefix + k, 0);
                }
              }));
    }
    assertThat(together(runner, calls)).allMatch(o -> o instanceof Assignment);
    assertThat(datastore.commits).hasSize(2);
  }

  @Test
  void whoIsRefusedInAGroupFailsAloneAndLeavesNothingInItsTransaction() throws Exception {
    AtomicInteger refusals = new AtomicInteger();
    IllegalStateException bug = new IllegalStateException("a bug");
    AlreadyExistsException there = new AlreadyExistsException("there", null);
    List<Object> outcomes =
        together(
            runner,
            List.of(
                Call.of(assign("net.a", 1)),
                Call.of(
                    attempt -> {
                      refusals.incrementAndGet();
                      return attempt.assigner(new NodeName("host-a")).assign(request("net.b", 5));
                    }),
                new Call(
                    assign("net.c", 1),
                    (transaction, addresses) -> {
                      throw there;
                    }),
                new Call(
                    assign("net.d", 1),
                    (transaction, addresses) -> {
                      throw bug;
                    }),
                Call.of(assign("net.e", 2))));
    assertThat(addresses(outcomes.get(0), outcomes.get(4))).hasSize(3).doesNotHaveDuplicates();
    assertThat(outcomes.get(1)).isInstanceOf(PoolExhaustedException.class);
    assertThat(outcomes.get(2)).isSameAs(there);
    assertThat(outcomes.get(3)).isSameAs(bug);
    assertThat(refusals).as("in the group, with the others left, and alone").hasValue(3);
    assertThat(memory.list(IpamKeys.HANDLES).entries())
        .extracting(Entry::key)
        .containsExactly(
            IpamKeys.handle(new HandleId("net.a")), IpamKeys.handle(new HandleId("net.e")));
    assertThat(datastore.commits).hasSize(1);
  }

  @Test
  void aGroupThatConflictsIsDecidedOneByOneOnFreshReads() throws Exception {
    List<IpAddress> taken = new ArrayList<>();
    datastore.beforeNext = () -> taken.addAll(assignElsewhere("net.x", 1));
    List<Object> outcomes =
        together(runner, List.of(Call.of(assign("net.a", 1)), Call.of(assign("net.b", 2))));
    taken.addAll(addresses(outcomes.toArray()));
    assertThat(taken).hasSize(4).doesNotHaveDuplicates();
    assertThat(datastore.commits).as("the group's, and one for each").hasSize(3);
  }

  @Test
  void anUnknownOutcomeIsThatOfEveryoneInTheGroupAndIsNotTriedAgain() throws Exception {
    UnavailableException hung = new UnavailableException("no answer", false, null);
    datastore.failure = hung;
    assertThat(together(runner, List.of(Call.of(assign("net.a", 1)), Call.of(assign("net.b", 1)))))
        .containsExactly(hung, hung);
    assertThat(datastore.commits).hasSize(1);
  }

  @Test
  void anUnknownOutcomeOfOneAloneIsNotTriedAgain() {
    UnavailableException hung = new UnavailableException("no answer", false, null);
    datastore.failure = hung;
    assertThatThrownBy(() -> runner.run(assign("net.a", 1), FurtherWrites.NONE)).isSameAs(hung);
    assertThat(datastore.commits).hasSize(1);
  }

  @Test
  void oneAloneThatConflictsDecidesOnFreshReads() throws Exception {
    List<IpAddress> taken = new ArrayList<>();
    datastore.beforeNext = () -> taken.addAll(assignElsewhere("net.x", 3));
    taken.addAll(runner.run(assign("net.a", 1), FurtherWrites.NONE).addresses());
    assertThat(taken).hasSize(4).doesNotHaveDuplicates();
    assertThat(datastore.commits).hasSize(2);
  }

  @Test
  void oneAloneThatLosesTheLastAddressIsRefused() {
    datastore.beforeNext = () -> assertThat(assignElsewhere("net.x", 4)).hasSize(4);
    assertThatThrownBy(() -> runner.run(assign("net.a", 1), FurtherWrites.NONE))
        .isInstanceOf(PoolExhaustedException.class);
    assertThat(memory.get(IpamKeys.handle(new HandleId("net.a")))).isEmpty();
  }

  @Test
  void whatAnOldCopyRefusesIsDecidedAgainOnFreshData() throws Exception {
    assertThat(assignElsewhere("net.x", 4)).hasSize(4);
    TransactionRunner onOld = runnerOnOldCopy();
    assertThat(elsewhere.release(new HandleId("net.x"))).hasSize(4);
    assertThat(onOld.run(assign("net.a", 4), FurtherWrites.NONE).addresses()).hasSize(4);
  }

  @Test
  void whatAnOldCopyGrantsIsRefusedOnFreshData() throws Exception {
    TransactionRunner onOld = runnerOnOldCopy();
    assertThat(assignElsewhere("net.x", 4)).hasSize(4);
    assertThatThrownBy(() -> onOld.run(assign("net.a", 1), FurtherWrites.NONE))
        .isInstanceOf(PoolExhaustedException.class);
    assertThat(datastore.commits).as("what the old copy granted").hasSize(1);
  }

  @Test
  void aGroupDecidedOnAnOldCopyIsDecidedTogetherOnFreshReads() throws Exception {
    TransactionRunner onOld = runnerOnOldCopy();
    List<IpAddress> taken = new ArrayList<>(assignElsewhere("net.x", 1));
    List<Object> outcomes =
        together(onOld, List.of(Call.of(assign("net.a", 1)), Call.of(assign("net.b", 2))));
    taken.addAll(addresses(outcomes.toArray()));
    assertThat(taken).hasSize(4).doesNotHaveDuplicates();
    assertThat(datastore.commits).as("on the old copy, and on fresh reads").hasSize(2);
  }

  @Test
  void nothingToDoIsBelievedOfFreshDataOnly() throws Exception {
    for (boolean copied : List.of(false, true)) {
      AtomicInteger decisions = new AtomicInteger();
      TransactionRunner.Decision decision =
          attempt -> {
            decisions.incrementAndGet();
            return List.of();
          };
      TransactionRunner one = copied ? runnerOnOldCopy() : runner;
      assertThat(one.run(decision, FurtherWrites.NONE)).isEqualTo(new Assignment(List.of(), 0));
      assertThat(decisions).hasValue(copied ? 2 : 1);
    }
    assertThat(datastore.commits).isEmpty();
  }

  /** Remembers what it is asked to commit, and lets others be faster; its watches are silent. */
  private static final class Observed extends PassingDatastore {
    private final List<Transaction> commits = new ArrayList<>();
    private final AtomicInteger gets = new AtomicInteger();

    /** Happens once, right before a commit. */
    private Runnable beforeNext = () -> {};

    /** What every commit throws. */
    private @Nullable UnavailableException failure;

    Observed(Datastore real) {
      super(real);
    }

    @Override
    public Optional<Entry> get(String key) throws DatastoreException {
      gets.incrementAndGet();
      return super.get(key);
    }

    @Override
    public synchronized long commit(Transaction transaction) throws DatastoreException {
      commits.add(transaction);
      Runnable before = beforeNext;
      beforeNext = () -> {};
      before.run();
      if (failure != null) {
        throw failure;
      }
      return super.commit(transaction);
    }

    @Override
    public Watch watch(String prefix, long fromRevision, WatchListener listener) {
      return () -> {};
    }
  }
}
