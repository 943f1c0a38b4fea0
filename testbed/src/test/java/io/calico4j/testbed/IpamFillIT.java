package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.PoolExhaustedException;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** A pool of 65,536 addresses, filled to the last by ten hosts and emptied again. */
class IpamFillIT {
  private static final int ADDRESSES = 65_536;
  private static final int HOSTS = 10;
  private static final int CALLERS_OF_A_HOST = 4;

  /** How many addresses one workload asks for, so that the test takes seconds and not minutes. */
  private static final int AT_ONCE = 16;

  private final Path state = Installed.freshState(getClass());

  @Test
  void everyAddressIsGivenOnceAndComesBack() throws Exception {
    try (EtcdProcess etcd = EtcdProcess.local(state);
        CountingDatastore datastore = new CountingDatastore(connect(etcd))) {
      createCluster(datastore);
      List<Ipam> hosts = new ArrayList<>();
      try {
        for (int i = 0; i < HOSTS; i++) {
          hosts.add(Ipam.watching(datastore, new NodeName("host-" + i)));
        }
        long first = cost(datastore, hosts.get(0), "w.first");
        Set<IpAddress> given = fill(hosts);
        given.addAll(hosts.get(0).addressesOf(new HandleId("w.first")));
        Ipam last = new Ipam(datastore, new NodeName("host-9"));
        List<String> exact = new ArrayList<>();
        while (given.size() < ADDRESSES) {
          String handle = "w.rest-" + exact.size();
          var unused = given.addAll(assign(last, handle, 1));
          exact.add(handle);
        }
        assertThat(given).hasSize(ADDRESSES);
        assertThat(exhausted(hosts.get(3))).isTrue();

        assertThat(hosts.get(5).release(new HandleId("w.first"))).hasSize(1);
        long lastCost = cost(datastore, hosts.get(5), "w.last");
        assertThat(lastCost)
            .as("round trips of the last address; the first cost " + first)
            .isLessThanOrEqualTo(3);
        var unused = hosts.get(5).release(new HandleId("w.last"));

        empty(hosts, datastore);
        for (Ipam host : hosts) {
          var unusedBlocks = host.releaseEmptyBlocks(0);
        }
        assertThat(datastore.list(IpamKeys.ROOT).entries())
            .extracting(Entry::key)
            .containsExactly(IpamKeys.CONFIG);
      } finally {
        hosts.forEach(Ipam::close);
      }
    }
  }

  private static EtcdDatastore connect(EtcdProcess etcd) {
    return EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url())));
  }

  private static void createCluster(Datastore datastore) throws Exception {
    datastore.commit(
        Transaction.builder()
            .put(IpamKeys.CONFIG, "{\"auto_allocate_blocks\":true,\"maxBlocksPerHost\":110}")
            .build());
    IpamCluster.create(datastore, HOSTS, "10.67.0.0/16", 26);
  }

  private static List<IpAddress> assign(Ipam ipam, String handle, int count) throws Exception {
    return ipam.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                new HandleId(handle),
                count,
                0,
                List.of(),
                List.of(),
                List.of(),
                Map.of()),
            Ipam.FurtherWrites.NONE)
        .addresses();
  }

  private static boolean exhausted(Ipam ipam) throws Exception {
    try {
      var unused = assign(ipam, "w.none", 1);
      return false;
    } catch (PoolExhaustedException e) {
      return true;
    }
  }

  private static long cost(CountingDatastore datastore, Ipam ipam, String handle) throws Exception {
    long before = datastore.requests.sum();
    var unused = assign(ipam, handle, 1);
    return datastore.requests.sum() - before;
  }

  private static Set<IpAddress> fill(List<Ipam> hosts) throws Exception {
    Set<IpAddress> given = ConcurrentHashMap.newKeySet();
    inParallel(
        hosts,
        (ipam, caller) -> {
          for (int i = 0; ; i++) {
            List<IpAddress> got;
            try {
              got = assign(ipam, "w." + ipam.node() + "-" + caller + "-" + i, AT_ONCE);
            } catch (PoolExhaustedException e) {
              return;
            }
            for (IpAddress address : got) {
              assertThat(given.add(address)).as("%s was free", address).isTrue();
            }
          }
        });
    return given;
  }

  private static void empty(List<Ipam> hosts, Datastore datastore) throws Exception {
    List<String> handles =
        datastore.list(IpamKeys.ROOT + "handle/").entries().stream()
            .map(entry -> entry.key().substring((IpamKeys.ROOT + "handle/").length()))
            .toList();
    inParallel(
        hosts,
        (ipam, caller) -> {
          int number = hosts.indexOf(ipam) * CALLERS_OF_A_HOST + caller;
          for (int i = number; i < handles.size(); i += HOSTS * CALLERS_OF_A_HOST) {
            assertThat(ipam.release(new HandleId(handles.get(i)))).isNotEmpty();
          }
        });
  }

  private interface Work {
    void run(Ipam ipam, int caller) throws Exception;
  }

  private static void inParallel(List<Ipam> hosts, Work work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(HOSTS * CALLERS_OF_A_HOST);
    List<Future<?>> running = new ArrayList<>();
    for (Ipam ipam : hosts) {
      for (int i = 0; i < CALLERS_OF_A_HOST; i++) {
        int caller = i;
        running.add(
            threads.submit(
                () -> {
                  work.run(ipam, caller);
                  return null;
                }));
      }
    }
    for (Future<?> one : running) {
      one.get();
    }
    threads.shutdown();
  }
}
