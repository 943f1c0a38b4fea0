package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An address changes hands while connection tracking is slow. */
class ConnectionsTest {
  private static final EndpointIdentity FIRST = PluginHost.identity("net", "first");
  private static final EndpointIdentity SECOND = PluginHost.identity("net", "second");

  /** Another interface, because there is one sandbox. */
  private static final EndpointIdentity THIRD =
      new EndpointIdentity(
          "net", new NodeName("host-a"), "default", "cni", "third", new InterfaceName("eth1"));

  private static final IpAddress ADDRESS = IpAddress.parse("10.65.0.9");
  private static final int SECONDS = 60;

  @RegisterExtension final PluginHost host = new PluginHost();

  private final ExecutorService callers = Executors.newCachedThreadPool();
  private final AtomicInteger deletions = new AtomicInteger();

  /** Deletions of the address that may end. */
  private final Semaphore permits = new Semaphore(0);

  /** Deletions of the address that have begun. */
  private final Semaphore begun = new Semaphore(0);

  @AfterEach
  void close() {
    permits.release(100);
    callers.shutdownNow();
  }

  private static AttachRequest request(EndpointIdentity identity) {
    return AttachRequest.of(identity).fixed(List.of(ADDRESS)).build();
  }

  private void beSlow() {
    host.kernel.forgetting =
        chosen -> {
          if (chosen.test(ADDRESS)) {
            begun.release();
            permits.acquireUninterruptibly();
            deletions.incrementAndGet();
          }
        };
  }

  private void count() {
    host.kernel.forgetting =
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
      return host.ipam.ownerOf(ADDRESS).isEmpty();
    } catch (DatastoreException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<Cidr> routed() throws KernelException {
    try (Netlink links = host.kernel.netlink()) {
      return links.routes().stream().map(Route::destination).toList();
    }
  }

  @Test
  void aDetachReturnsAndTheNextOwnerOfTheAddressWaits() throws Exception {
    beSlow();
    try (EndpointService agent = host.agent()) {
      agent.attach(request(FIRST), host.kernel.sandbox());
      assertThat(routed()).contains(ADDRESS.toCidr());
      agent.detach(FIRST);
      awaitBegun();
      assertThat(host.ipam.ownerOf(ADDRESS)).isEmpty();
      Future<Integer> deletedBefore =
          callers.submit(
              () -> {
                agent.attach(request(SECOND), host.kernel.sandbox());
                return deletions.get();
              });
      // Others do not wait.
      agent.attach(PluginHost.request(THIRD), host.kernel.sandbox());
      assertThat(deletedBefore).isNotDone();
      assertThat(routed()).doesNotContain(ADDRESS.toCidr());
      permits.release();
      assertThat(deletedBefore.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
      assertThat(routed()).contains(ADDRESS.toCidr());
    }
  }

  @Test
  void aFailedDeletionDoesNotKeepTheNextOwner() throws Exception {
    host.kernel.forgetting =
        chosen -> {
          begun.release();
          throw new KernelException("read", "conntrack entries", 105, "ENOBUFS");
        };
    try (EndpointService agent = host.agent()) {
      agent.attach(request(FIRST), host.kernel.sandbox());
      agent.detach(FIRST);
      agent.attach(request(SECOND), host.kernel.sandbox());
      awaitBegun();
      assertThat(routed()).contains(ADDRESS.toCidr());
    }
  }

  @Test
  void closingWaitsForTheDeletion() throws Exception {
    beSlow();
    EndpointService agent = host.agent();
    agent.attach(request(FIRST), host.kernel.sandbox());
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
    try (EndpointService agent = host.agent()) {
      agent.attach(AttachRequest.of(FIRST).held(List.of(ADDRESS)).build(), host.kernel.sandbox());
      count();
      agent.detach(FIRST);
      assertThat(deletions).hasValue(1);
    }
  }

  /** An agent may have been killed after it released the address. */
  @Test
  void aPluginAloneDeletesBeforeItReleasesAndBeforeItAttaches() throws Exception {
    try (EndpointService alone = host.alone()) {
      count();
      alone.attach(request(FIRST), host.kernel.sandbox());
      assertThat(deletions).hasValue(1);
      AtomicBoolean released = new AtomicBoolean(true);
      host.kernel.forgetting =
          chosen -> {
            released.set(isFree());
            deletions.incrementAndGet();
          };
      alone.detach(FIRST);
      assertThat(host.ipam.ownerOf(ADDRESS)).isEmpty();
      assertThat(deletions).hasValue(2);
      assertThat(released).isFalse();
    }
  }
}
