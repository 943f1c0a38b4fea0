package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.testing.MemoryDatastore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Attaches that fail, on a datastore and a kernel in memory. */
class AttachUndoTest {
  private static final EndpointIdentity IDENTITY =
      new EndpointIdentity(
          "net", new NodeName("host-a"), "default", "cni", "web", new InterfaceName("eth0"));

  private final FakeKernel kernel = new FakeKernel();
  private final MemoryDatastore memory = new MemoryDatastore();

  /** The number of links of the host whenever the endpoint is deleted. */
  private final List<Integer> linksAtRelease = new ArrayList<>();

  private final class Observed implements Datastore {
    @Override
    public Optional<Entry> get(String key) {
      return memory.get(key);
    }

    @Override
    public Listing list(String prefix) {
      return memory.list(prefix);
    }

    @Override
    public long commit(Transaction transaction) throws DatastoreException {
      for (Transaction.Write write : transaction.writes()) {
        if (write.key().equals(IDENTITY.key().path()) && write.value() == null) {
          try (Netlink host = kernel.netlink()) {
            linksAtRelease.add(host.links().size());
          } catch (KernelException e) {
            throw new AssertionError(e);
          }
        }
      }
      return memory.commit(transaction);
    }

    @Override
    public Watch watch(String prefix, long fromRevision, WatchListener listener) {
      return memory.watch(prefix, fromRevision, listener);
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  private static final class NeverProgrammed implements EndpointReadiness {
    @Override
    public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout) {
      return false;
    }

    @Override
    public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }
  }

  private EndpointService service(Datastore datastore, Ipam ipam, EndpointStep.Observer steps)
      throws KernelException {
    return new EndpointService(
        datastore,
        kernel,
        new NeverProgrammed(),
        ipam,
        EndpointSettings.forAgent(() -> 1500),
        steps);
  }

  @Test
  void theLinkIsGoneBeforeItsAddressIsReleased() throws Exception {
    try (Datastore datastore = new Observed();
        Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
        EndpointService endpoints = service(datastore, ipam, EndpointStep.Observer.NONE)) {
      ResourceClient resources = new ResourceClient(datastore);
      resources.create(
          Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), NodeSpec.EMPTY));
      resources.create(
          Resource.create(
              ResourceKind.IP_POOL,
              Metadata.named(null, "pool"),
              new IpPoolSpec(
                  "10.65.0.0/16", null, null, null, null, null, null, null, null, null, null)));
      AttachRequest request = AttachRequest.of(IDENTITY).choose(1, List.of(), 0, List.of()).build();
      assertThatThrownBy(() -> endpoints.attach(request, kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("was not in the kernel within");
      assertThat(linksAtRelease).containsExactly(0);
      assertThat(memory.get(IDENTITY.key().path())).isEmpty();
      assertThat(ipam.addressesOf(IDENTITY.handleId())).isEmpty();
    }
  }

  @Test
  void whereNoAddressIsLeftNoVethPairStays() throws Exception {
    try (Datastore datastore = new Observed();
        Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
        EndpointService endpoints = service(datastore, ipam, EndpointStep.Observer.NONE)) {
      new ResourceClient(datastore)
          .create(
              Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), NodeSpec.EMPTY));
      AttachRequest request = AttachRequest.of(IDENTITY).choose(1, List.of(), 0, List.of()).build();
      assertThatThrownBy(() -> endpoints.attach(request, kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("no configured Calico pools");
    }
    try (Netlink host = kernel.netlink();
        Netlink inside = kernel.netlink(kernel.sandbox())) {
      assertThat(host.links()).isEmpty();
      assertThat(inside.links()).isEmpty();
    }
  }
}
