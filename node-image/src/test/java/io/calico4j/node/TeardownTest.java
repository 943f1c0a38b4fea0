package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.testing.MemoryDatastore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attaching and detaching while the datastore is away, and under another network's name. */
class TeardownTest {
  private static final EndpointIdentity IDENTITY = identity("net");

  @TempDir Path directory;

  private final FakeKernel kernel = new FakeKernel();
  private final MemoryDatastore memory = new MemoryDatastore();

  private final FailingDatastore datastore = new FailingDatastore(memory);
  private final AtomicInteger failures = datastore.failures;
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));

  private static EndpointIdentity identity(String network) {
    return new EndpointIdentity(
        network, new NodeName("host-a"), "default", "cni", "web", new InterfaceName("eth0"));
  }

  @BeforeEach
  void makePool() throws Exception {
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
    ipam.close();
    datastore.close();
  }

  /** A service without a timer, as a plugin that works alone has it. */
  private EndpointService alone(int budgetSeconds) throws KernelException {
    return new EndpointService(
        datastore,
        kernel,
        FailingDatastore.programmed(),
        ipam,
        EndpointSettings.forSingleRequest(() -> 1500)
            .with(new Patience(Duration.ofSeconds(budgetSeconds)), directory.resolve("teardown")),
        EndpointStep.Observer.NONE);
  }

  private static AttachRequest request(EndpointIdentity identity) {
    return AttachRequest.of(identity).choose(1, List.of(), 0, List.of()).build();
  }

  private int links() throws KernelException {
    try (Netlink host = kernel.netlink()) {
      return host.links().size();
    }
  }

  private void mustBeEmpty() throws Exception {
    assertThat(memory.get(IDENTITY.key().path())).isEmpty();
    assertThat(ipam.addressesOf(IDENTITY.handleId())).isEmpty();
    assertThat(links()).isZero();
  }

  @Test
  void aDetachmentWhileTheDatastoreIsAwayIsRecordedAndTheNextAgentFinishesIt() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      failures.set(Integer.MAX_VALUE);
      endpoints.detach(IDENTITY);
      endpoints.detach(IDENTITY);
      assertThat(endpoints.pendingTeardowns()).isEqualTo(1);
      assertThat(links()).isZero();
      assertThat(memory.get(IDENTITY.key().path())).isPresent();
    }
    failures.set(0);
    try (EndpointService agent =
        new EndpointService(
            datastore,
            kernel,
            FailingDatastore.programmed(),
            ipam,
            EndpointSettings.forAgent(() -> 1500)
                .with(new Patience(Duration.ofSeconds(1)), directory.resolve("teardown")),
            EndpointStep.Observer.NONE)) {
      while (agent.pendingTeardowns() > 0) {
        Thread.onSpinWait();
      }
      mustBeEmpty();
    }
  }

  @Test
  void anAttachOfTheSameEndpointFirstFinishesTheDetachment() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      long first = memory.get(IDENTITY.key().path()).orElseThrow().revision();
      failures.set(Integer.MAX_VALUE);
      endpoints.detach(IDENTITY);
      failures.set(0);
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      assertThat(endpoints.pendingTeardowns()).isZero();
      assertThat(memory.get(IDENTITY.key().path()).orElseThrow().revision()).isGreaterThan(first);
      assertThat(ipam.addressesOf(IDENTITY.handleId())).hasSize(1);
      endpoints.detach(IDENTITY);
      mustBeEmpty();
    }
  }

  @Test
  void aDetachmentThatCannotBeRecordedFails() throws Exception {
    Files.writeString(directory.resolve("teardown"), "a file where the directory belongs");
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      failures.set(Integer.MAX_VALUE);
      assertThatThrownBy(() -> endpoints.detach(IDENTITY))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("etcd does not answer");
    }
  }

  @Test
  void anAttachOutlastsRequestsThatFail() throws Exception {
    try (EndpointService endpoints = alone(60)) {
      failures.set(3);
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      assertThat(ipam.addressesOf(IDENTITY.handleId())).hasSize(1);
      endpoints.detach(IDENTITY);
      mustBeEmpty();
    }
  }

  @Test
  void anAttachThatRunsOutOfItsBudgetSaysWhatItWaitedFor() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      failures.set(Integer.MAX_VALUE);
      assertThatThrownBy(() -> endpoints.attach(request(IDENTITY), kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("etcd does not answer")
          .hasMessageContaining("the budget of an ADD is 1 s");
      failures.set(0);
      mustBeEmpty();
    }
  }

  @Test
  void aDetachUnderAnotherNetworksNameLeavesNothing() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      endpoints.detach(identity("other"));
      mustBeEmpty();
    }
  }

  @Test
  void anAttachGoesOnWhereAnInterfaceVanishesWhileItLooks() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      kernel.creationsRefused.set(2);
      endpoints.attach(request(IDENTITY), kernel.sandbox());
      endpoints.detach(IDENTITY);
      mustBeEmpty();
    }
  }
}
