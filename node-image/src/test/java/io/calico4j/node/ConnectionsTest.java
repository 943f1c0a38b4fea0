package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An address changes hands while connection tracking is slow. */
class ConnectionsTest {
  private static final EndpointIdentity FIRST = identity("first", "eth0");
  private static final EndpointIdentity SECOND = identity("second", "eth0");

  /** Another interface, because there is one sandbox. */
  private static final EndpointIdentity THIRD = identity("third", "eth1");

  private static final IpAddress ADDRESS = IpAddress.parse("10.65.0.9");
  private static final int SECONDS = 60;

  private final FakeKernel kernel = new FakeKernel();
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
  private final ExecutorService callers = Executors.newCachedThreadPool();
  private final AtomicInteger deletions = new AtomicInteger();

  /** Deletions of the address that may end. */
  private final Semaphore permits = new Semaphore(0);

  /** Deletions of the address that have begun. */
  private final Semaphore begun = new Semaphore(0);

  private static EndpointIdentity identity(String workload, String name) {
    return new EndpointIdentity(
        "net", new NodeName("host-a"), "default", "cni", workload, new InterfaceName(name));
  }

  @BeforeEach
  void cluster() throws Exception {
    ResourceClient resources = new ResourceClient(datastore);
    resources.create(
        Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), NodeSpec.EMPTY));
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, "pool"),
            new IpPoolSpec(
                "10.65.0.0/16", null, null, null, null, null, null, null, null, null, null)));
  }

  @AfterEach
  void close() {
    permits.release(100);
    callers.shutdownNow();
    ipam.close();
    datastore.close();
  }

  private EndpointService service(EndpointSettings settings) throws KernelException {
    return new EndpointService(
        datastore,
        kernel,
        FailingDatastore.programmed(),
        ipam,
        settings,
        EndpointStep.Observer.NONE);
  }

  private EndpointService agent() throws KernelException {
    return service(EndpointSettings.forAgent(() -> 1500));
  }

  private EndpointService alone() throws KernelException {
    return service(EndpointSettings.forSingleRequest(() -> 1500));
  }

  private static AttachRequest request(EndpointIdentity identity) {
    return AttachRequest.of(identity).fixed(List.of(ADDRESS)).build();
  }

  private void beSlow() {
    kernel.forgetting =
        chosen -> {
          if (chosen.test(ADDRESS)) {
            begun.release();
            permits.acquireUninterruptibly();
            deletions.incrementAndGet();
          }
        };
  }

  private void count() {
    kernel.forgetting =
        chosen -> {
          if (chosen.test(ADDRESS)) {
            deletions.incrementAndGet();
          }
        };
  }

  private void awaitBegun() throws InterruptedException {
    assertThat(begun.tryAcquire(SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  private boolean isFree() {
    try {
      return ipam.ownerOf(ADDRESS).isEmpty();
    } catch (DatastoreException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<Cidr> routed() throws KernelException {
    try (Netlink host = kernel.netlink()) {
      return host.routes().stream().map(Route::destination).toList();
    }
  }

  @Test
  void aDetachReturnsAndTheNextOwnerOfTheAddressWaits() throws Exception {
    beSlow();
    try (EndpointService agent = agent()) {
      agent.attach(request(FIRST), kernel.sandbox());
      assertThat(routed()).contains(ADDRESS.toCidr());
      agent.detach(FIRST);
      awaitBegun();
      assertThat(ipam.ownerOf(ADDRESS)).isEmpty();
      Future<Integer> deletedBefore =
          callers.submit(
              () -> {
                agent.attach(request(SECOND), kernel.sandbox());
                return deletions.get();
              });
      // Others do not wait.
      agent.attach(
          AttachRequest.of(THIRD).choose(1, List.of(), 0, List.of()).build(), kernel.sandbox());
      assertThat(deletedBefore).isNotDone();
      assertThat(routed()).doesNotContain(ADDRESS.toCidr());
      permits.release();
      assertThat(deletedBefore.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
      assertThat(routed()).contains(ADDRESS.toCidr());
    }
  }

  @Test
  void aFailedDeletionDoesNotKeepTheNextOwner() throws Exception {
    kernel.forgetting =
        chosen -> {
          begun.release();
          throw new KernelException("read", "conntrack entries", 105, "ENOBUFS");
        };
    try (EndpointService agent = agent()) {
      agent.attach(request(FIRST), kernel.sandbox());
      agent.detach(FIRST);
      agent.attach(request(SECOND), kernel.sandbox());
      awaitBegun();
      assertThat(routed()).contains(ADDRESS.toCidr());
    }
  }

  @Test
  void closingWaitsForTheDeletion() throws Exception {
    beSlow();
    EndpointService agent = agent();
    agent.attach(request(FIRST), kernel.sandbox());
    agent.detach(FIRST);
    Future<Integer> deletedBefore =
        callers.submit(
            () -> {
              agent.close();
              return deletions.get();
            });
    awaitBegun();
    assertThat(deletedBefore).isNotDone();
    permits.release();
    assertThat(deletedBefore.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
  }

  @Test
  void anAddressOfAnotherIpamPluginIsForgottenBeforeTheDetachReturns() throws Exception {
    try (EndpointService agent = agent()) {
      agent.attach(AttachRequest.of(FIRST).held(List.of(ADDRESS)).build(), kernel.sandbox());
      count();
      agent.detach(FIRST);
      assertThat(deletions).hasValue(1);
    }
  }

  /** An agent may have been killed after it released the address. */
  @Test
  void aPluginAloneDeletesBeforeItReleasesAndBeforeItAttaches() throws Exception {
    try (EndpointService alone = alone()) {
      count();
      alone.attach(request(FIRST), kernel.sandbox());
      assertThat(deletions).hasValue(1);
      AtomicBoolean released = new AtomicBoolean(true);
      kernel.forgetting =
          chosen -> {
            released.set(isFree());
            deletions.incrementAndGet();
          };
      alone.detach(FIRST);
      assertThat(ipam.ownerOf(ADDRESS)).isEmpty();
      assertThat(deletions).hasValue(2);
      assertThat(released).isFalse();
    }
  }
}
