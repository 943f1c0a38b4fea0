package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Attaches that fail. */
class AttachUndoTest {
  private static final EndpointIdentity IDENTITY = PluginHost.identity("net", "web");

  @RegisterExtension final PluginHost host = new PluginHost();

  /** The number of links of the host whenever the endpoint is deleted. */
  private final List<Integer> linksAtRelease = new ArrayList<>();

  private void observe(Transaction transaction) {
    for (Transaction.Write write : transaction.writes()) {
      if (write.key().equals(IDENTITY.key().path()) && write.value() == null) {
        try {
          linksAtRelease.add(host.links().size());
        } catch (KernelException e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  @Test
  void theLinkIsGoneBeforeItsAddressIsReleased() throws Exception {
    host.programs = false;
    host.datastore.observer = this::observe;
    try (EndpointService endpoints = host.agent()) {
      assertThatThrownBy(
              () -> endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("was not in the kernel within");
      assertThat(linksAtRelease).containsExactly(0);
      host.mustBeEmpty();
    }
  }

  @Test
  void whereNoAddressIsLeftNoVethPairStays() throws Exception {
    host.resources.delete(PluginHost.POOL);
    try (EndpointService endpoints = host.agent()) {
      assertThatThrownBy(
              () -> endpoints.attach(PluginHost.request(IDENTITY), host.kernel.sandbox()))
          .isInstanceOf(AttachException.class)
          .hasMessageContaining("no configured Calico pools");
    }
    host.mustBeEmpty();
    try (Netlink inside = host.kernel.netlink(host.kernel.sandbox())) {
      assertThat(inside.links()).isEmpty();
    }
  }
}
