package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.KernelException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Attaching and detaching while the datastore is away, and under another network's name. */
class TeardownTest {
  private static final EndpointIdentity IDENTITY = PluginHost.identity("net", "web");

  @TempDir Path directory;

  @RegisterExtension final PluginHost host = new PluginHost();

  /** A service without a timer, as a plugin that works alone has it. */
  private EndpointService alone(int budgetSeconds) throws KernelException {
    return host.alone(budgetSeconds, directory.resolve("teardown"));
  }

  @Test
  void aDetachmentWhileTheDatastoreIsAwayIsRecordedAndTheNextAgentFinishesIt() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      host.datastore.failures.set(Integer.MAX_VALUE);
      endpoints.detach(IDENTITY);
      endpoints.detach(IDENTITY);
      assertThat(endpoints.pendingTeardowns()).isEqualTo(1);
      assertThat(host.links()).isEmpty();
      assertThat(host.memory.get(IDENTITY.key().path())).isPresent();
    }
    host.datastore.failures.set(0);
    try (EndpointService agent = host.agent(directory.resolve("teardown"))) {
      PluginHost.awaitFinished(agent);
      host.mustBeEmpty();
    }
  }

  @Test
  void anAttachOfTheSameEndpointFirstFinishesTheDetachment() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      long first = host.memory.get(IDENTITY.key().path()).orElseThrow().revision();
      host.datastore.failures.set(Integer.MAX_VALUE);
      endpoints.detach(IDENTITY);
      host.datastore.failures.set(0);
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      assertThat(endpoints.pendingTeardowns()).isZero();
      assertThat(host.memory.get(IDENTITY.key().path()).orElseThrow().revision())
          .isGreaterThan(first);
      assertThat(host.ipam.addressesOf(IDENTITY.handleId())).hasSize(1);
      endpoints.detach(IDENTITY);
      host.mustBeEmpty();
    }
  }

  @Test
  void aDetachmentThatCannotBeRecordedFails() throws Exception {
    Files.writeString(directory.resolve("teardown"), "a file where the directory belongs");
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      host.datastore.failures.set(Integer.MAX_VALUE);
      assertThatThrownBy(() -> endpoints.detach(IDENTITY))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("etcd does not answer");
    }
  }

  @Test
  void anAttachOutlastsRequestsThatFail() throws Exception {
    try (EndpointService endpoints = alone(60)) {
      host.datastore.failures.set(3);
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      assertThat(host.ipam.addressesOf(IDENTITY.handleId())).hasSize(1);
      endpoints.detach(IDENTITY);
      host.mustBeEmpty();
    }
  }

  @Test
  void anAttachThatRunsOutOfItsBudgetSaysWhatItWaitedFor() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      host.datastore.failures.set(Integer.MAX_VALUE);
      assertThatThrownBy(
              () -> endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("etcd does not answer")
          .hasMessageContaining("the budget of an ADD is 1 s");
      host.datastore.failures.set(0);
      host.mustBeEmpty();
    }
  }

  @Test
  void aDetachUnderAnotherNetworksNameLeavesNothing() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      endpoints.detach(PluginHost.identity("other", "web"));
      host.mustBeEmpty();
    }
  }

  @Test
  void anAttachGoesOnWhereAnInterfaceVanishesWhileItLooks() throws Exception {
    try (EndpointService endpoints = alone(1)) {
      host.kernel.creationsRefused.set(2);
      endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox());
      endpoints.detach(IDENTITY);
      host.mustBeEmpty();
    }
  }
}
